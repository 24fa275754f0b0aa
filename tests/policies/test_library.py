"""The library is complete and closed: ids, metadata, parameters, and no more of Rego than all engines agree on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.authoring.lint import lint
from infra.pipeline.library import Library, metadata
from infra.pipeline.policy_engine import RegorusEngine
from infra.pipeline.reviewed import reviewed
from infra.pipeline.waivers import approvers
from tests.policies.samples import LIBRARY

RULES = LIBRARY.rules
REGO = sorted(LIBRARY.folder.rglob("*.rego"))
FILES = ("{id}.rego", "{id}_test.rego", "allowed.json", "denied.json", "unknown.json")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The library in a folder of its own, to be broken."""
    return Path(shutil.copytree(LIBRARY.folder, tmp_path / "policies"))


def test_there_are_enough_rules_and_each_id_is_used_once() -> None:
    ids = [rule.id for rule in RULES]
    assert len(LIBRARY.of_kind("plan")) >= 12 and len(LIBRARY.of_kind("release")) >= 4
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rules_folder_is_complete_and_holds_nothing_else(rule) -> None:
    assert {path.name for path in rule.path.parent.iterdir()} == {name.format(id=rule.id) for name in FILES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rules_runbook_exists(rule) -> None:
    assert (LIBRARY.folder.parent / "runbooks" / f"{rule.runbook}.md").is_file()


def test_every_environment_has_valid_parameters() -> None:
    assert LIBRARY.environments == ["dev", "local", "onprem", "prod", "staging"]
    regions = {environment: LIBRARY.parameters(environment)["allowed_regions"] for environment in LIBRARY.environments}
    assert regions == dict.fromkeys(LIBRARY.environments, ["me-central-1"])


def test_prod_is_at_least_as_strict_as_dev() -> None:
    dev, prod = LIBRARY.parameters("dev"), LIBRARY.parameters("prod")
    assert prod["keys"]["deletion_window_days"] >= dev["keys"]["deletion_window_days"]
    assert prod["object_lock"]["minimum_days"] >= dev["object_lock"]["minimum_days"]
    assert set(dev["allowed_regions"]) >= set(prod["allowed_regions"])


def test_an_unknown_environment_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refusal:
        LIBRARY.parameters("production")
    assert refusal.value.answers()["allowed"] == "dev, local, onprem, prod, staging"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"alowed_regions": ["me-central-1"]}, "alowed_regions is unknown"),
        ({"keys": {"deletion_windows_days": 30}}, "keys.deletion_windows_days is unknown"),
        ({"keys": {"deletion_window_days": "30"}}, "keys.deletion_window_days is not of type integer"),
        ({"keys": {"deletion_window_days": 3}}, "keys.deletion_window_days is 3, below 7"),
        ({"allowed_regions": []}, "allowed_regions has fewer than 1 items"),
        ({"allowed_regions": ["Dubai"]}, "allowed_regions[0] is 'Dubai', which does not match"),
        ({"release": None}, "release is not of type object"),
    ],
)
def test_a_wrong_parameter_is_an_error_that_names_it(copy: Path, change: dict, why: str) -> None:
    (copy / "data" / "prod.json").write_text(json.dumps(change))
    with pytest.raises(UsageError) as refusal:
        Library.open(copy).parameters("prod")
    assert refusal.value.answers()["why"].startswith(why)


@pytest.mark.parametrize("name", ["data/prod.json", "data/common.json", "reviewed_types.json", "approvers.json"])
def test_what_people_write_says_nothing_twice(copy: Path, name: str) -> None:
    """Whoever reviews the file reads the first, and JSON means the last."""
    (copy / name).write_text('{"unjudged_types": "deny", "unjudged_types": "report"}')
    library = Library.open(copy)
    with pytest.raises(UsageError, match="key 'unjudged_types' stands twice in one object"):
        library.parameters("prod"), reviewed(library), approvers(copy)


def test_a_missing_parameter_is_an_error(copy: Path) -> None:
    common = json.loads((copy / "data" / "common.json").read_text())
    del common["gpu"]
    (copy / "data" / "common.json").write_text(json.dumps(common))
    (copy / "data" / "prod.json").write_text("{}")
    with pytest.raises(UsageError, match="parameters of 'prod' are wrong") as refusal:
        Library.open(copy).parameters("prod")
    assert refusal.value.answers()["why"] == "the document lacks gpu"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("package falaj.plan.key_rotated", "package falaj.plan.key_rotate", "the package of rule key_rotated is not its id"),
        ("# METADATA\n", "", "key_rotated has no METADATA block at its top"),
        ("#   severity: high\n", "#   severity: extreme\n", "the metadata of rule key_rotated is wrong"),
        ("#   severity: high\n", "#   severty: high\n", "the metadata of rule key_rotated is wrong"),
        ("# title: A key", "# title: [A key", "the metadata of key_rotated is not YAML"),
        ("\nunknown[", "\nunclear[", "rule key_rotated does not say unknown"),
    ],
)
def test_a_rule_that_is_not_whole_is_refused(copy: Path, before: str, after: str, message: str) -> None:
    path = copy / "plan" / "key_rotated" / "key_rotated.rego"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(UsageError) as refusal:
        _ = Library.open(copy).rules
    assert refusal.value.what == message


def test_a_folder_without_its_rule_is_refused(copy: Path) -> None:
    (copy / "plan" / "key_rotated" / "key_rotated.rego").unlink()
    with pytest.raises(UsageError, match="policies/plan/key_rotated holds no rule"):
        _ = Library.open(copy).rules


def test_the_digest_names_what_can_change_an_answer_and_nothing_else(copy: Path) -> None:
    before = Library.open(copy).digest
    (copy / "plan" / "key_rotated" / "denied.json").write_text("[]")
    (copy / "plan" / "key_rotated" / "key_rotated_test.rego").unlink()
    assert Library.open(copy).digest == before == LIBRARY.digest
    for name in ("plan/key_rotated/key_rotated.rego", "lib/plan.rego", "data/dev.json", "schemas/parameters.schema.json"):
        path = copy / name
        path.write_text(path.read_text() + "\n")
        after = Library.open(copy).digest
        assert after != before
        before = after


def test_no_rule_holds_what_the_engines_do_not_share() -> None:
    assert [str(finding) for finding in lint(REGO)] == []


def test_every_helper_module_says_what_it_is() -> None:
    for path in sorted((LIBRARY.folder / "lib").glob("*.rego")):
        assert {"title", "description"} <= set(metadata(path.read_text(), name=path.stem)), path.stem


def test_the_rules_own_tests_pass_on_the_embedded_engine() -> None:
    engine, failed, count = RegorusEngine(), [], 0
    modules = {path.relative_to(LIBRARY.folder).as_posix(): path.read_text() for path in REGO}
    for name, text in modules.items():
        package = re.search(r"^package (\S+)", text, re.MULTILINE)
        for test in re.findall(r"^(test_\w+) if", text, re.MULTILINE):
            assert package is not None
            count += 1
            if engine.evaluate(modules, "with tests", f"data.{package[1]}.{test}", {}) is not True:
                failed.append(f"{name}: {test}")
    assert failed == [] and count > 80


def test_every_rule_has_tests_for_all_three_answers() -> None:
    for rule in RULES:
        text = (rule.path.parent / f"{rule.id}_test.rego").read_text()
        assert {verdict for verdict in ("allowed", "denied", "unknown") if f"test_{verdict}_" in text} == {"allowed", "denied", "unknown"}, rule.id
