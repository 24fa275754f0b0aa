"""A recipe in a file: what a search for a better one ends with, and what every stage takes in the place of a recipe's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import read_json, write_json
from workloads.recipes import RECIPES, Recipe

SCHEMA = "falaj.recipe/1"
SUFFIX = ".json"
_NEXT = "write it anew: falaj tune winner"


def write(path: Path, recipe: Recipe, origin: Mapping[str, Any]) -> None:
    """Write `recipe`, and where it came from, durably."""
    write_json(path, {"schema": SCHEMA, "recipe": recipe.to_json(), "origin": dict(origin)})


def read(path: Path) -> Recipe:
    """The recipe in `path`. Raises UsageError for a file that is none, lacks a field or has one that no recipe has, or takes the name of another."""
    from pydantic import TypeAdapter, ValidationError

    value = read_json(path, what="recipe file", next=_NEXT)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or not isinstance(value.get("recipe"), dict):
        raise UsageError("that is no recipe file", given=str(path), allowed=f"JSON with schema {SCHEMA} and a recipe", next=_NEXT)
    known, given = {field.name for field in fields(Recipe)}, set(value["recipe"])
    if known != given:
        wrong = [*(f"{name} is missing" for name in sorted(known - given)), *(f"{name} is not known" for name in sorted(given - known))]
        raise UsageError(
            "the recipe file does not say what a recipe says",
            given=f"{path}: {', '.join(wrong)}",
            allowed="all fields of a recipe and no others (workloads/recipes.py)",
            why="a field that is left out or misspelt would be trained with a default that nobody chose",
            next=_NEXT,
        )
    try:
        recipe = TypeAdapter(Recipe).validate_json(json.dumps(value["recipe"]), strict=True)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise UsageError(
            f"{'.'.join(map(str, first['loc']))} in the recipe file cannot be used", given=f"{path}: {first['input']!r}", why=first["msg"], next=_NEXT
        ) from None
    if recipe.name in RECIPES:
        why = "a name stands for one recipe"
        raise UsageError("the recipe file takes the name of another recipe", given=f"{path}: {recipe.name}", why=why, next="rename it")
    return recipe
