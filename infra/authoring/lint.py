"""What a rule may not contain: built-ins that the engines do not share or that make an answer depend on the moment, and the places
where the engines were seen to disagree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHARED = frozenset(
    {
        *("array.concat", "array.slice", "concat", "contains", "count", "endswith", "is_array", "is_boolean", "is_number", "is_object", "is_string"),
        *("json.is_valid", "json.marshal", "json.remove", "json.unmarshal", "lower", "max", "min", "numbers.range", "object.get", "object.keys"),
        *("object.remove", "object.subset", "object.union", "regex.find_n", "regex.match", "regex.replace", "replace", "round", "set", "sort", "split"),
        *("sprintf", "startswith", "substring", "sum", "time.parse_rfc3339_ns", "to_number", "trim", "trim_prefix", "trim_space", "trim_suffix"),
        *("union", "upper", "walk"),
    }
)
"""Built-ins that OPA and the embedded engine were seen to agree on. No clock, network, randomness or environment is among
them: a decision must come out the same when it is made again."""
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
_TRAPS = (
    (re.compile(r"\bnot [\w.]+\(.*\)+ (==|!=|<|>|<=|>=|in) "), "a comparison of a call inside a negation: give the call's value a name first"),
    (
        re.compile(r"\bnot [\w.]+\([^()]*\w\([^()]*\)\.[\w.\[\]]+"),
        "a look-up in a call's value inside a negation: OPA takes it out, and what is missing passes",
    ),
    (
        re.compile(r"\bnot (is_\w+|startswith|endswith|contains|regex\.match|json\.is_valid)\(([^()]*,)?\s*\w+(\.\w+|\[[^\]]*\])+(,[^()]*)?\)"),
        "a look-up handed to a built-in inside a negation: OPA takes it out, and what is missing passes",
    ),
    (
        re.compile(r"\bnot \w+(?:\.\w+|\[[^\]]*\])*(?:\.(?!(?:urn|type|op|custom)\b)\w+|\[[^\]\d]*\]) in "),
        "a look-up before `in` inside a negation: OPA takes it out, and what is missing passes",
    ),
    (re.compile(r"^\w+\[[^\]]*\("), "a call in the head of a rule: give its value a name in the body"),
    (re.compile(r'^\w+\[""\] contains'), "a fixed name in the head of a rule: the embedded engine has it there even where nothing holds"),
    (re.compile(r"\]\s*\("), "a call through brackets, which hides what is called: write the name with dots"),
    (re.compile(r"plan\.by_urn\["), "a look-up by URN across modules: ask plan.get(urn)"),
    (
        re.compile(r"\.(parent|dependencies|protect|replace_keys|diff_keys)\b|\bresource\.name\b"),
        "a field of a resource that rules are not told (infra/pipeline/asking.py, TOLD)",
    ),
    (re.compile(r"\binput\.plan\.resources\b"), "a scan of all resources: ask plan.of_type, plan.aws or plan.custom, which are made once"),
)
LONGEST = 1023
"""Columns of a line, a tab counting four: the embedded engine reads no further, and refuses the whole library with the file."""
_SCANS = re.compile(r"lib/(plan|types)\.rego$")
"""Modules that make the tables may scan."""


@dataclass(frozen=True)
class Finding:
    """One line that must change; `line` counts from 1."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def lint(paths: Sequence[Path]) -> list[Finding]:
    """What is wrong with these Rego files, in order."""
    return [finding for path in paths for finding in _file(path)]


def _file(path: Path) -> list[Finding]:
    lines = path.read_text(encoding="utf-8").splitlines()
    bare = [_STRING.sub('""', line).split("#")[0] for line in lines]
    text = "\n".join(bare)
    found = [] if "import rego.v1" in text else [Finding(path, 1, "no `import rego.v1`: older engines would read other rules out of it")]
    own = set(re.findall(r"^([a-z_][a-z0-9_]*)\(", text, re.MULTILINE))
    aliases = set(re.findall(r"import data\.falaj\.(?:\w+\.)*(\w+)", text)) | set(re.findall(r" as (\w+)", text))
    columns = (len(line) + 3 * line.count("\t") for line in lines)
    found += [
        Finding(path, number, f"{wide} columns, of which the embedded engine reads {LONGEST}") for number, wide in enumerate(columns, 1) if wide > LONGEST
    ]
    for number, line in enumerate(bare, 1):
        for name in re.findall(r"(?<![\w.])([a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*)\(", line):
            if name not in own | SHARED | {"in", "if", "some"} and name.split(".")[0] not in aliases:
                found.append(Finding(path, number, f"built-in {name} is not one that all engines share"))
        for trap, what in _TRAPS:
            if trap.search(line) and not (what.startswith("a scan") and (_SCANS.search(path.as_posix()) or path.name.endswith("_test.rego"))):
                found.append(Finding(path, number, what))
        if re.search(r"\bdata\.(?!falaj\b)", line):
            found.append(Finding(path, number, "data outside falaj: rules read their input and their own library, nothing else"))
    return found
