"""The library in one package: Pulumi's OPA runtime has no room for several, and the embedded engine finds names sooner in one.

Every rule of a module gets the module's name before its own, and whatever refers to it says so too. A name that is local to a rule is
renamed with it, which changes nothing: it stays one name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

_TOKEN = re.compile(
    r"""(\#[^\n]*|"(?:\\.|[^"\\])*"|`[^`]*`|(?<![\w.])data(?:\.[A-Za-z_]\w*)+|(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)""",
)
"""A comment, a text, or a name with what is asked of it: all that could hold the name of a rule."""
_PATH = re.compile(r"\bdata\.(\w+(?:\.\w+)*)")
_HEAD = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)", re.MULTILINE)
_NO_RULES = {"package", "import", "else", "default"}

Namer = Callable[[str, str], str]
"""Package and rule -> what the rule is called in the one package."""


def flatten(modules: Mapping[str, str], *, asked: str) -> str:
    """One text with the rules of all `modules`, without package and imports; `input` becomes the rule called `asked`.

    Raises ValueError where a module refers to a rule that is in none of them.
    """
    return _joined(modules, flat_name, asked=asked, comments=True)


def compact(modules: Mapping[str, str], rule: str) -> tuple[str, str]:
    """What `rule` (`data.<package>.<name>`) stands on, in one module with short names, and what the rule is called there.

    The embedded engine builds every name it meets as text, again and again: short ones in one package take a sixth off its time.
    Raises ValueError where a module cannot be taken in.
    """
    package, _, name = rule.removeprefix("data.").rpartition(".")
    needed = reachable({_package(text): text for text in modules.values()}, package)
    short: dict[tuple[str, str], str] = {}
    text = _joined(needed, lambda *named: short.setdefault(named, f"r{len(short)}_"), asked="input", comments=False)
    if (package, name) not in short:
        raise ValueError(f"{rule} is in no module")
    # It speaks Rego v1 without being told to, and looks through a module's imports at every call.
    return f"package f\n\n{text}", f"data.f.{short[package, name]}"


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
        todo += [other for path in set(_PATH.findall(needed[name])) if (other := _package_of(path, by_package))]
    return dict(sorted(needed.items()))


def flat_name(package: str, rule: str) -> str:
    """`falaj.lib.plan`, `get` -> `lib_plan__get`."""
    return f"{package.removeprefix('falaj.').replace('.', '_')}__{rule}"


def _package_of(path: str, packages: Collection[str]) -> str:
    """The longest beginning of `path` that is a package; empty where none is."""
    while path and path not in packages:
        path = path.rpartition(".")[0]
    return path


def _rules(text: str) -> set[str]:
    return {name for name in _HEAD.findall(text) if name not in _NO_RULES}


def _package(text: str) -> str:
    found = re.search(r"^package\s+(\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError("a module without a package")
    return found[1]


def _joined(modules: Mapping[str, str], namer: Namer, *, asked: str, comments: bool) -> str:
    names = {_package(text): _rules(text) for text in modules.values()}
    return "\n".join(_renamed(text, names, namer, asked, comments) for _, text in sorted(modules.items()))


def _renamed(text: str, names: Mapping[str, set[str]], namer: Namer, asked: str, comments: bool) -> str:
    own = _package(text)
    aliases = {alias or path.rpartition(".")[2]: path for path, alias in re.findall(r"^import data\.(\S+)(?: as (\w+))?$", text, re.MULTILINE)}
    body = re.sub(r"^(package|import)\b.*\n", "", text[text.index("\npackage ") + 1 :] if "\npackage " in text else text, flags=re.MULTILINE)
    said = _Said(own, aliases, names, namer, asked, comments)
    return "".join([piece if index % 2 == 0 else said[piece] for index, piece in enumerate(_TOKEN.split(body))]).strip() + "\n"


class _Said(dict[str, str]):
    """Token of one module -> what stands for it in the one package, worked out once for each."""

    def __init__(self, own: str, aliases: Mapping[str, str], names: Mapping[str, set[str]], namer: Namer, asked: str, comments: bool) -> None:
        self._own, self._aliases, self._names, self._namer, self._asked, self._comments = own, aliases, names, namer, asked, comments

    def __missing__(self, token: str) -> str:
        said = self[token] = self._worked_out(token)
        return said

    def _worked_out(self, token: str) -> str:
        if token.startswith("#"):
            return token if self._comments else ""
        if token.startswith("data."):
            return self._full(token.removeprefix("data."))
        first, dot, second = token.partition(".")
        if dot and first in self._aliases:
            return self._known(self._aliases[first], second)
        if first in self._names[self._own]:
            return f"{self._namer(self._own, first)}{dot}{second}"
        return f"{self._asked}{dot}{second}" if first == "input" else token

    def _full(self, path: str) -> str:
        """`falaj.plan.iam_wildcards.judged` as one name, with what follows it."""
        package = _package_of(path.rpartition(".")[0], self._names)
        if not package:
            raise ValueError(f"data.{path} is in no module")
        rule, dot, rest = path.removeprefix(f"{package}.").partition(".")
        return f"{self._known(package, rule)}{dot}{rest}"

    def _known(self, package: str, rule: str) -> str:
        if rule not in self._names.get(package, set()):
            raise ValueError(f"{package} has no rule {rule}")
        return self._namer(package, rule)
