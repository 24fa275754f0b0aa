"""The library in one package: Pulumi's OPA runtime has no room for several, and the embedded engine finds names sooner in one.

Every rule of a module gets the module's name before its own, and whatever refers to it says so too. A name that is local to a rule is
renamed with it, which changes nothing: it stays one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<path>data(?:\.[A-Za-z_]\w*)+)|(?P<dotted>(?<![\w.])[A-Za-z_]\w*\.[A-Za-z_]\w*)|(?P<name>(?<![\w.])[A-Za-z_]\w*)""",
    re.VERBOSE,
)
_HEAD = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)", re.MULTILINE)
_NO_RULES = {"package", "import", "else", "default"}


def flatten(modules: Mapping[str, str], *, asked: str) -> str:
    """One text with the rules of all `modules`, without package and imports; `input` becomes the rule called `asked`.

    Raises ValueError where a module refers to a rule that is in none of them.
    """
    names = {_package(text): _rules(text) for text in modules.values()}
    return "\n".join(_renamed(text, names, asked) for _, text in sorted(modules.items()))


def compact(modules: Mapping[str, str], rule: str) -> tuple[str, str]:
    """What `rule` (`data.<package>.<name>`) stands on, in one module with short names, and what the rule is called there.

    The embedded engine builds every name it meets as text, again and again: short ones in one package take a sixth off its time.
    Raises ValueError where a module cannot be taken in.
    """
    package, _, name = rule.removeprefix("data.").rpartition(".")
    needed = reachable({_package(text): text for text in modules.values()}, package)
    text = flatten(needed, asked="input")
    short: dict[str, str] = {}
    known = {flat_name(_package(module), found) for module in needed.values() for found in _rules(module)}
    text = re.sub(r"\b[A-Za-z_]\w*__\w+\b", lambda found: short.setdefault(found[0], f"r{len(short)}") if found[0] in known else found[0], text)
    if flat_name(package, name) not in short:
        raise ValueError(f"{rule} is in no module")
    return f"package f\n\nimport rego.v1\n\n{text}", f"data.f.{short[flat_name(package, name)]}"


def reachable(by_package: Mapping[str, str], package: str) -> dict[str, str]:
    """Package -> Rego text of `package` and of every one that it stands on, however far down. Raises ValueError for one that is not there."""
    needed: dict[str, str] = {}
    todo = [package]
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        if name not in by_package:
            raise ValueError(f"there is no package {name}")
        needed[name] = by_package[name]
        todo += [other for other in by_package if f"data.{other}" in needed[name] and re.search(rf"\bdata\.{re.escape(other)}\b", needed[name])]
    return dict(sorted(needed.items()))


def flat_name(package: str, rule: str) -> str:
    """`falaj.lib.plan`, `get` -> `lib_plan__get`."""
    return f"{package.removeprefix('falaj.').replace('.', '_')}__{rule}"


def _rules(text: str) -> set[str]:
    return {name for name in _HEAD.findall(text) if name not in _NO_RULES}


def _package(text: str) -> str:
    found = re.search(r"^package\s+(\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError("a module without a package")
    return found[1]


def _renamed(text: str, names: Mapping[str, set[str]], asked: str) -> str:
    own = _package(text)
    aliases = {alias or path.rpartition(".")[2]: path for path, alias in re.findall(r"^import data\.(\S+)(?: as (\w+))?$", text, re.MULTILINE)}
    body = re.sub(r"^(package|import)\b.*\n", "", text[text.index("\npackage ") + 1 :] if "\npackage " in text else text, flags=re.MULTILINE)
    return "".join(_pieces(body, own, aliases, names, asked)).strip() + "\n"


def _pieces(body: str, own: str, aliases: Mapping[str, str], names: Mapping[str, set[str]], asked: str) -> Iterator[str]:
    end = 0
    for token in _TOKEN.finditer(body):
        yield body[end : token.start()]
        end = token.end()
        said = token[0]
        if token["path"]:
            said = _full(said.removeprefix("data."), names)
        elif token["dotted"]:
            first, _, second = said.partition(".")
            if first in aliases:
                said = _known(aliases[first], second, names)
            elif first in names[own]:
                said = f"{flat_name(own, first)}.{second}"
            elif first == "input":
                said = f"{asked}.{second}"
        elif token["name"] and said in names[own]:
            said = flat_name(own, said)
        elif said == "input":
            said = asked
        yield said
    yield body[end:]


def _full(path: str, names: Mapping[str, set[str]]) -> str:
    """`falaj.plan.iam_wildcards.judged` as one name, with what follows it."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        package = ".".join(parts[:length])
        if package in names:
            return ".".join([_known(package, parts[length], names), *parts[length + 1 :]])
    raise ValueError(f"data.{path} is in no module")


def _known(package: str, rule: str, names: Mapping[str, set[str]]) -> str:
    if rule not in names.get(package, set()):
        raise ValueError(f"{package} has no rule {rule}")
    return flat_name(package, rule)
