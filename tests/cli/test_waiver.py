"""`falaj waiver`: from an exception that somebody asks for to one that two people have signed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Denied, FalajError, UsageError
from falaj.files import write_json
from falaj.home import ROOT
from infra.cli.main import falaj

pytestmark = pytest.mark.usefixtures("falaj_home")
KEY = "urn:pulumi:prod::app::aws:kms/key:Key::key"
ASKED = ["--env", "prod", "--owner", "ml-platform", "--reason", "why", "--control", "what protects instead", "--id", "w1"]
LEAVES = ["--lost-region", "me-central-1", "--copy-region", "eu-central-1", "--key-region", "me-central-1", "--data-class", "personal"]


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The whole library; ada and bilal have keys on this machine and are listed, carol has a key only."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    keys = {name: CliRunner().invoke(falaj, ["evidence", "key", "--key", name]).stdout for name in ("ada", "bilal", "carol")}
    listed = {name: {"key": keys[name], "may": ["waive", "waive-residency"]} for name in ("ada", "bilal")}
    write_json(tmp_path / "policies" / "approvers.json", listed)
    return tmp_path / "policies"


def run(policies: Path, verb: str, *words: str | Path) -> Result:
    return CliRunner().invoke(falaj, ["waiver", verb, *(str(word) for word in words), "--policies", str(policies)])


def problem(answer: Result) -> FalajError:
    assert isinstance(answer.exception, FalajError), answer.output
    return answer.exception


def rows(policies: Path, verb: str = "list") -> list[tuple[str, list[str], str]]:
    found = json.loads(run(policies, verb, "--env", "prod", "--json").stdout)
    return [(one["id"], one["approvers"], one["why"]) for one in found]


def test_a_waiver_is_written_signed_by_two_and_holds(policies: Path) -> None:
    path = policies / "waivers" / "w1.json"
    assert f"falaj waiver sign {path} --as NAME" in run(policies, "new", "key_rotated", KEY, *ASKED).stdout
    assert rows(policies) == [("w1", [], "nobody has signed it")]
    assert run(policies, "sign", path, "--as", "ada").stdout.startswith(f"ada approves w1: key_rotated for {KEY} until 20")
    assert rows(policies) == [("w1", ["ada"], "it has one approval and needs two")]
    assert isinstance(problem(run(policies, "check")), Denied)
    run(policies, "sign", path, "--as", "bilal")
    assert rows(policies, "check") == [("w1", ["ada", "bilal"], "")]
    shown = run(policies, "check", "--env", "prod")
    assert (shown.exit_code, "ada, bilal" in shown.stdout) == (0, True)


def test_what_leaves_the_country_must_be_said_when_it_is_written(policies: Path) -> None:
    wrong = problem(run(policies, "new", "copies_stay", KEY, *ASKED))
    assert isinstance(wrong, UsageError) and wrong.why == "its rule keeps data in the country, and it does not say what leaves and where to"
    assert problem(run(policies, "new", "copies_stay", KEY, *ASKED, *LEAVES, "--days", "31")).why == "it runs longer than 30 days"
    assert run(policies, "new", "copies_stay", KEY, *ASKED, *LEAVES).exit_code == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["no_such_rule", KEY, *ASKED], "there is no plan rule 'no_such_rule'"),
        (["key_rotated", "urn:pulumi:prod::app::*", *ASKED], "this waiver would not hold"),
        (["key_rotated", KEY, *ASKED, "--days", "91"], "this waiver would not hold"),
    ],
)
def test_one_that_could_never_hold_is_not_written(policies: Path, words: list[str], why: str) -> None:
    assert problem(run(policies, "new", *words)).what == why
    assert rows(policies) == []


def test_a_second_of_the_same_name_does_not_replace_the_first(policies: Path) -> None:
    run(policies, "new", "key_rotated", KEY, *ASKED)
    assert problem(run(policies, "new", "key_rotated", KEY, *ASKED)).what == "there is a waiver w1 already"


@pytest.mark.parametrize(
    ("words", "owner", "why"),
    [
        (["--as", "carol"], "ml-platform", "carol is not among the approvers"),
        (["--as", "ada", "--key", "carol"], "ml-platform", "this is not the key that ada is listed with"),
        (["--as", "ada", "--key", "../keys/ada"], "ml-platform", "there is no such key on this machine"),
        (["--as", "ada", "--key", "nobody"], "ml-platform", "there is no such key on this machine"),
        (["--as", "ada"], "Ada", "an owner cannot approve the own waiver"),
    ],
)
def test_nobody_signs_for_another_or_for_oneself(policies: Path, words: list[str], owner: str, why: str) -> None:
    run(policies, "new", "key_rotated", KEY, *ASKED, "--owner", owner)
    path = policies / "waivers" / "w1.json"
    before = path.read_bytes()
    assert problem(run(policies, "sign", path, *words)).what == why
    assert path.read_bytes() == before


def test_what_is_no_waiver_is_not_signed_and_is_listed(policies: Path) -> None:
    path = policies / "waivers" / "w1.json"
    write_json(path, {"rule": "key_rotated"})
    assert problem(run(policies, "sign", path, "--as", "ada")).what == "this is no waiver"
    assert [(id, why.startswith("the document lacks schema")) for id, _, why in rows(policies)] == [("w1", True)]


def test_without_any_there_is_nothing_to_check(policies: Path) -> None:
    answer = run(policies, "check")
    assert (answer.exit_code, answer.stdout) == (0, "there is no waiver\n")


def test_a_parameter_is_waived_for_the_value_that_the_environment_has(policies: Path) -> None:
    none = problem(run(policies, "parameter", "gpu.maximum_nodes", *ASKED))
    assert (none.what, none.allowed) == ("parameter 'gpu.maximum_nodes' is not looser in prod", "nothing: all are as strict as in common.json")
    path = policies / "data" / "prod.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "gpu": {"maximum_nodes": 9}, "allowed_regions": ["me-central-1", "eu-central-1"]}))
    assert problem(run(policies, "parameter", "allowed_regions", *ASKED)).what == "this waiver would not hold"
    assert run(policies, "parameter", "allowed_regions", *ASKED[:-1], "w2", *LEAVES).exit_code == 0
    assert run(policies, "parameter", "gpu.maximum_nodes", *ASKED).exit_code == 0
    signed = [run(policies, "sign", policies / "waivers" / "w1.json", "--as", name).output for name in ("ada", "bilal")]
    assert [text.split(" until ")[0] for text in signed] == [f"{name} approves w1: parameter gpu.maximum_nodes = 9" for name in ("ada", "bilal")]
    listed = json.loads(run(policies, "list", "--json").stdout)
    assert [(one["id"], one["parameter"], one["why"]) for one in listed] == [
        ("w1", "gpu.maximum_nodes", ""),
        ("w2", "allowed_regions", "nobody has signed it"),
    ]
