"""Types that no rule needs to know: reviewed by somebody, with the reason. All others are reported as unjudged."""

from __future__ import annotations

from collections.abc import Mapping

from falaj.errors import UsageError
from falaj.files import read_json
from infra.pipeline.library import Library

FILE = "reviewed_types.json"


def unjudged(library: Library, types: Mapping[str, int]) -> dict[str, int]:
    """Of `types`, those that no plan rule names and nobody has reviewed. A pattern such as `aws:*` names nobody."""
    known = {type for rule in library.of_kind("plan") for type in (*rule.subjects, *rule.reads)} | set(reviewed(library))
    return {type: number for type, number in types.items() if type not in known}


def miswritten(library: Library, types: Mapping[str, int]) -> dict[str, str]:
    """Of `types`, those that are known but for their case, or are no types at all -> what is wrong with them."""
    names = {type for rule in library.of_kind("plan") for type in (*rule.subjects, *rule.reads) if "*" not in type} | set(reviewed(library))
    known = {name.lower(): name for name in names}
    found = {}
    for type in types:
        if type not in names and type.lower() in known:
            found[type] = f"is {known[type.lower()]} in another case"
        elif not all(type.split(":", 2)) or type.count(":") < 1:
            found[type] = "is no resource type"
    return found


def reviewed(library: Library) -> dict[str, str]:
    """Type -> why no rule needs to know it. Raises UsageError for an entry without a reason, or a whole family of types."""
    path = library.folder / FILE
    if not path.exists():
        return {}
    entries = read_json(path, what="list of reviewed types", next="restore it from git", by_hand=True)
    whole = isinstance(entries, dict) and all(isinstance(why, str) and why.strip() and "*" not in type for type, why in entries.items())
    if not whole:
        raise UsageError("the list of reviewed types is wrong", given=str(path), allowed="type -> reason, one type each", next="correct that entry")
    return entries
