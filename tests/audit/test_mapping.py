"""The mapping of rules to controls is closed both ways, and says nothing in a standard's own words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.home import ROOT
from infra.audit.catalogues import frameworks, load_catalogue

RULES = sorted(
    path for kind in ("plan", "release", "repository", "evidence") for path in (ROOT / "policies" / kind).glob("*/*.rego") if path.stem == path.parent.name
)


def metadata(path: Path) -> dict[str, Any]:
    """The METADATA comment block of a rule."""
    block = re.search(r"^# METADATA\n((?:#.*\n)+)", path.read_text(), re.MULTILINE)
    assert block, f"{path.name} has no metadata"
    return yaml.safe_load("\n".join(line[1:] for line in block.group(1).splitlines()))


def declared() -> set[tuple[str, str, str]]:
    """(framework, control, rule) as the rules say."""
    return {
        (framework, str(control), path.stem)
        for path in RULES
        for framework, controls in metadata(path)["custom"].get("controls", {}).items()
        for control in controls
    }


def mapped() -> set[tuple[str, str, str]]:
    """(framework, control, rule) as the catalogues say."""
    return {(framework, control.id, each.rule) for framework in frameworks() for control in load_catalogue(framework).controls for each in control.rules}


def test_every_rule_of_a_catalogue_exists() -> None:
    assert {rule for _, _, rule in mapped()} - {path.stem for path in RULES} == set()


def test_every_control_that_a_rule_names_is_in_a_catalogue() -> None:
    known = {(framework, control.id) for framework in frameworks() for control in load_catalogue(framework).controls}
    assert {(framework, control) for framework, control, _ in declared()} - known == set()


def test_rules_and_catalogues_say_the_same_of_each_other() -> None:
    assert {"only the rule says so": declared() - mapped(), "only the catalogue says so": mapped() - declared()} == {
        "only the rule says so": set(),
        "only the catalogue says so": set(),
    }


def test_every_rule_bears_on_some_control() -> None:
    assert {path.stem for path in RULES} - {rule for _, _, rule in declared()} == set()


@pytest.mark.parametrize("framework", frameworks())
def test_every_mapping_gives_its_reason_and_every_control_says_what_people_must_bring(framework: str) -> None:
    controls = load_catalogue(framework).controls
    assert [control.id for control in controls if not control.manual] == []
    assert [(control.id, each.rule) for control in controls for each in control.rules if len(each.why.split()) < 3] == []


@pytest.mark.parametrize("framework", frameworks())
def test_every_catalogue_says_that_it_is_no_certification(framework: str) -> None:
    catalogue = load_catalogue(framework)
    assert "own judgement" in " ".join(catalogue.disclaimer.split())
    assert "no certification" in " ".join(catalogue.disclaimer.split())


@pytest.mark.parametrize("framework", frameworks())
def test_no_sentence_of_a_catalogue_was_cut_at_a_comma(framework: str) -> None:
    halves = ("and ", "where ", "once ", "also ", "but ", "which ", "so ")
    cut = [(control.id, item) for control in load_catalogue(framework).controls for item in control.manual[1:] if item.startswith(halves)]
    assert cut == []
