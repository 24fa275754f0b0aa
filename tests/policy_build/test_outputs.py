"""`falaj policy build`: every output in its folder, the same bytes each time, and nothing left of a rule that is gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from falaj.canonical import digest_file
from falaj.errors import UsageError
from infra.cli.policy import policy
from infra.pipeline.library import Library
from infra.policy_build.outputs import OUTPUTS, build
from tests.policies.samples import LIBRARY


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_outputs_are_built_each_in_its_folder_and_listed_with_their_digests(tmp_path: Path) -> None:
    made = build(LIBRARY, "prod", tmp_path)
    assert sorted(made["outputs"]) == sorted(OUTPUTS)
    assert json.loads((tmp_path / "build.json").read_text()) == made
    listed = {path: digest for files in made["outputs"].values() for path, digest in files.items()}
    assert listed == {name: digest_file(tmp_path / name) for name in contents(tmp_path) if name != "build.json"}
    assert made["policy_digest"] == LIBRARY.digest


def test_building_twice_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two", "two"):
        build(LIBRARY, "prod", tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_rule_that_is_gone_leaves_nothing_and_other_files_stay(tmp_path: Path) -> None:
    library = Path(shutil.copytree(LIBRARY.folder, tmp_path / "policies"))
    out = tmp_path / "out"
    build(Library.open(library), "prod", out)
    (out / "gatekeeper" / "notes.txt").write_text("mine")
    shutil.rmtree(library / "plan" / "no_plain_secrets")
    build(Library.open(library), "prod", out, ("gatekeeper",))
    names = set(contents(out))
    assert "gatekeeper/templates/no-plain-secrets.yaml" not in names
    assert {"gatekeeper/notes.txt", "gatekeeper/templates/pod-restricted.yaml", "admission/policies/pod-restricted.yaml"} <= names


def test_an_unknown_output_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        build(LIBRARY, "prod", tmp_path, ("kyverno",))
    assert refusal.value.answers()["allowed"] == ", ".join(OUTPUTS)


@pytest.mark.parametrize("text", ["{}", '{"schema": "falaj.policy_build/1", "outputs": {"gatekeeper": {"../../etc/passwd": "x"}}}'])
def test_a_folder_with_a_list_that_is_not_ours_is_not_touched(tmp_path: Path, text: str) -> None:
    (tmp_path / "build.json").write_text(text)
    with pytest.raises(UsageError):
        build(LIBRARY, "prod", tmp_path)
    assert contents(tmp_path) == {"build.json": text.encode()}


def test_the_verb_builds_what_is_asked_for(tmp_path: Path) -> None:
    answer = CliRunner().invoke(policy, ["build", str(tmp_path), "--only", "admission", "--env", "dev", "--json"])
    made = json.loads(answer.stdout)
    assert (answer.exit_code, made["environment"], list(made["outputs"])) == (0, "dev", ["admission"])
