"""From a scaffold to a green rule, what a broken one is told, and pages that are what the rules say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from falaj.errors import Denied, UsageError
from infra.authoring.check import check, opa_check
from infra.authoring.explain import describe, find, show
from infra.authoring.pages import pages, stale, write
from infra.authoring.scaffold import Wanted, scaffold
from infra.cli.policy import policy
from infra.pipeline.library import Library
from infra.pipeline.policy_engine import RegorusEngine, opa_binary
from tests.policies.samples import LIBRARY

WANTED = Wanted("queue_encrypted", "A queue is encrypted", "C02", "aws:sqs/queue:Queue", "sqsManagedSseEnabled", "2026-11-23")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY.folder, tmp_path / "policies"))


def test_a_scaffold_is_whole_and_green_at_once(copy: Path) -> None:
    written = scaffold(Library.open(copy), WANTED)
    assert sorted(path.name for path in written) == ["allowed.json", "denied.json", "queue_encrypted.rego", "queue_encrypted_test.rego", "unknown.json"]
    library = Library.open(copy)
    outcome = check(library, [find(library, "queue_encrypted")], RegorusEngine())[0]
    assert (outcome.samples, outcome.tests, outcome.wrong) == (3, 3, [])


@pytest.mark.opa
@pytest.mark.skipif(opa_binary() is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
def test_opas_own_tools_are_content_with_the_library_and_a_scaffold(copy: Path) -> None:
    opa = opa_binary()
    assert opa is not None
    scaffold(Library.open(copy), WANTED)
    assert opa_check(Library.open(copy), opa) == []


@pytest.mark.opa
@pytest.mark.skipif(opa_binary() is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
def test_a_line_that_no_test_reaches_is_complained_about(copy: Path) -> None:
    opa = opa_binary()
    assert opa is not None
    path = copy / "plan" / "key_rotated" / "key_rotated.rego"
    path.write_text(path.read_text() + '\nnever if input.plan.environment == "mars"\n')
    lines = path.read_text().splitlines()
    assert opa_check(Library.open(copy), opa) == [f"plan/key_rotated/key_rotated.rego:{len(lines)}: no test reaches this line"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": "Queue"}, "a rule's id is words in snake_case"),
        ({"id": "bucket_encrypted"}, "there is a rule bucket_encrypted already"),
        ({"check": "C99"}, "there is no such check"),
        ({"type": "Queue"}, "this is no resource type"),
        ({"property": "sqs-managed"}, "this is no property"),
        ({"title": "encrypt"}, "a title is a sentence about what holds"),
    ],
)
def test_a_scaffold_that_cannot_be_is_refused_and_nothing_is_written(copy: Path, change: dict[str, str], what: str) -> None:
    before = sorted(copy.rglob("*"))
    with pytest.raises(UsageError) as refusal:
        scaffold(Library.open(copy), Wanted(**{**vars(WANTED), **change}))
    assert (refusal.value.what, sorted(copy.rglob("*"))) == (what, before)


def test_a_rule_that_breaks_its_promise_is_told_which(copy: Path) -> None:
    path = copy / "plan" / "key_rotated" / "denied.json"
    cases = json.loads(path.read_text())
    cases[0]["expect"]["fail"] = {}
    path.write_text(json.dumps(cases))
    library = Library.open(copy)
    outcome = check(library, [find(library, "key_rotated")], RegorusEngine())[0]
    assert len(outcome.wrong) == 1 and outcome.wrong[0].startswith(f"sample '{cases[0]['case']}' (denied): fail is ")


def test_a_rule_without_a_test_of_each_answer_is_told_so(copy: Path) -> None:
    path = copy / "plan" / "key_rotated" / "key_rotated_test.rego"
    path.write_text(path.read_text().replace("test_unknown_", "test_perhaps_"))
    library = Library.open(copy)
    assert check(library, [find(library, "key_rotated")], RegorusEngine())[0].wrong == ["key_rotated_test.rego has no test_unknown_..."]


def test_the_command_writes_tests_and_explains_a_rule(copy: Path) -> None:
    run = CliRunner()
    about = ["--title", WANTED.title, "--check", WANTED.check, "--type", WANTED.type, "--property", WANTED.property]
    made = run.invoke(policy, ["new", WANTED.id, *about, "--policies", str(copy)])
    assert made.exit_code == 0 and made.stdout.splitlines()[-1].endswith("then falaj policy test queue_encrypted")
    tested = run.invoke(policy, ["test", WANTED.id, "--policies", str(copy)])
    assert tested.exit_code == 0 and "ok" in tested.stdout
    explained = run.invoke(policy, ["explain", WANTED.id, "--policies", str(copy)])
    assert explained.exit_code == 0 and "sqsManagedSseEnabled is not on" in explained.stdout
    (copy / "plan" / WANTED.id / "allowed.json").write_text(json.dumps(json.loads((copy / "plan" / WANTED.id / "denied.json").read_text())))
    assert isinstance(run.invoke(policy, ["test", WANTED.id, "--policies", str(copy)]).exception, Denied)


def test_an_explanation_holds_the_numbers_of_its_environment() -> None:
    about = describe(LIBRARY, find(LIBRARY, "plan/key_rotated"), "prod")
    assert about["parameters"] == {"keys.deletion_window_days": LIBRARY.parameters("prod")["keys"]["deletion_window_days"]}
    assert "keys.deletion_window_days = 30" in show(about, "prod")


def test_a_rule_that_is_not_there_is_answered_with_its_neighbours() -> None:
    with pytest.raises(UsageError) as refusal:
        find(LIBRARY, "bucket_encryptd")
    assert "bucket_encrypted" in refusal.value.answers()["allowed"]


def test_every_rule_and_every_control_has_its_place_in_the_pages() -> None:
    made = pages(LIBRARY)
    for rule in LIBRARY.rules:
        assert f"\n## {rule.id}\n" in made[f"policies/{rule.kind}.md"]
        assert f"[`{rule.id}`]({rule.kind}.md#{rule.id})" in made["policies/README.md"]


def test_stale_and_left_over_pages_are_named_and_mended(tmp_path: Path) -> None:
    write(LIBRARY, tmp_path)
    (tmp_path / "policies" / "plan.md").write_text("old")
    (tmp_path / "controls" / "gone.md").write_text("of a catalogue that is gone")
    assert stale(LIBRARY, tmp_path) == ["controls/gone.md", "policies/plan.md"]
    assert write(LIBRARY, tmp_path) == ["controls/gone.md", "policies/plan.md"]
    assert stale(LIBRARY, tmp_path) == []
