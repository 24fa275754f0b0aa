"""`tools/image.sh` in a checkout of its own, with a stand-in for buildah: what it says of a build, on a machine with Python and nothing of ours installed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.pipeline.build_provenance import read

DIGEST = "sha256:" + "7" * 64
OTHER = "sha256:" + "3" * 64
BUILDAH = """#!/bin/sh
case $1 in
    bud) [ -z "$WHILE" ] || echo "# changed" >> "$WHILE" ;;
    push)
        while [ "$1" != --digestfile ]; do shift; done
        printf %s "$DIGEST" > "$2"
        for target in "$@"; do :; done
        target=${target#oci-archive:} && echo archive > "${target%:*}"
        ;;
    from) echo container ;;
    mount) echo "$MOUNTED" ;;
    images) echo "1 MB" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout with what the script needs, and a folder `bin` for PATH beside it."""
    made = tmp_path / "checkout"
    for name in ("tools/image.sh", "tools/image_provenance.py", "infra/__init__.py", "infra/pipeline/__init__.py", "infra/pipeline/build_provenance.py"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, made / name)
    shutil.copytree(ROOT / "falaj", made / "falaj", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "images", made / "images")
    (made / ".gitignore").write_text("__pycache__/\n")
    for command in (
        ("init", "-q"),
        ("remote", "add", "origin", "https://me:token@github.com/your-organisation/falaj.git"),
        ("add", "."),
        ("-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-qm", "all"),
    ):
        subprocess.run(["git", *command], cwd=made, check=True)
    (tmp_path / "mounted/opt/falaj").mkdir(parents=True)
    (tmp_path / "mounted/opt/falaj/bill.cdx.json").write_text("{}")
    (tmp_path / "bin").mkdir()
    # Without packages: what is written of a build needs the standard library alone.
    for name, text in (("buildah", BUILDAH), ("python3", f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return made


def build(checkout: Path, *arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a person does, with its result inside the checkout."""
    environ = {"PATH": f"{checkout.parent / 'bin'}:/usr/bin:/bin", "MOUNTED": str(checkout.parent / "mounted"), "DIGEST": DIGEST, "WHILE": "", **told}
    command = ["sh", str(checkout / "tools/image.sh"), "serve", str(checkout / "out"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=checkout)


def said(checkout: Path, *arguments: str, **told: str) -> dict[str, Any]:
    """The provenance that a build leaves."""
    done = build(checkout, *arguments, **told)
    assert (done.returncode, done.stdout) == (0, f"falaj-serve@{DIGEST}\n"), done.stderr
    return json.loads((checkout / "out/serve.provenance.json").read_text())


def source(provenance: dict[str, Any]) -> dict[str, Any]:
    return provenance["predicate"]["buildDefinition"]["resolvedDependencies"][0]


def head(checkout: Path) -> str:
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()


def test_a_build_says_from_which_commit_on_what_and_by_whom(checkout: Path) -> None:
    made = said(checkout, "--build-arg", f"BASE=local/base@{OTHER}", "--pull-never", FALAJ_BUILDER="https://falaj.internal/builders/one")
    (found, why) = read(json.dumps(made).encode())
    assert found is not None and not why
    assert (found.image, found.digest, found.builder) == ("falaj-serve", DIGEST, "https://falaj.internal/builders/one")
    assert (found.repository, found.commit, found.clean) == ("git+https://github.com/your-organisation/falaj", head(checkout), True)
    definition, details = made["predicate"]["buildDefinition"], made["predicate"]["runDetails"]
    built_in = next(line for line in (ROOT / "images/serve.Dockerfile").read_text().splitlines() if line.startswith("ARG BUILD=")).rpartition("sha256:")[2]
    assert {each["name"]: each["digest"]["sha256"] for each in definition["resolvedDependencies"][1:]} == {"BASE": "3" * 64, "BUILD": built_in}
    assert definition["externalParameters"]["options"] == ["--pull-never"]
    assert details["byproducts"] == [{"name": "bill-of-materials", "digest": {"sha256": hashlib.sha256(b"{}").hexdigest()}}]
    times = details["metadata"]
    assert times["invocationId"].startswith("urn:uuid:") and times["startedOn"] <= times["finishedOn"] and times["finishedOn"].endswith("Z")


def test_a_second_build_into_the_checkout_is_as_clean_and_a_job_of_github_names_itself(checkout: Path) -> None:
    said(checkout)
    job = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/n", "GITHUB_WORKFLOW_REF": "o/n/.github/workflows/x.yml@refs/heads/main", "GITHUB_RUN_ID": "7"}
    made = said(checkout, **job)
    assert (source(made)["uri"], source(made)["annotations"]["clean"]) == ("git+https://github.com/o/n", True)
    assert made["predicate"]["runDetails"]["builder"]["id"] == "https://github.com/o/n/.github/workflows/x.yml@refs/heads/main"


@pytest.mark.parametrize(("path", "untracked"), [("falaj/files.py", False), ("workloads/more.py", True)])
def test_a_checkout_with_changes_is_said_to_have_them(checkout: Path, path: str, untracked: bool) -> None:
    (checkout / path).parent.mkdir(exist_ok=True)
    with (checkout / path).open("a") as file:
        file.write("\n# more\n")
    assert (checkout / path).exists() and source(said(checkout))["annotations"] == {"clean": False, "changed": [path]}
    assert source(said(checkout))["digest"] == {"gitCommit": head(checkout)}


def test_a_change_while_it_is_built_is_a_change(checkout: Path) -> None:
    assert source(said(checkout, WHILE="falaj/files.py"))["annotations"] == {"clean": False, "changed": ["falaj/files.py"]}


def test_a_checkout_from_nowhere_names_no_repository(checkout: Path) -> None:
    subprocess.run(["git", "remote", "remove", "origin"], cwd=checkout, check=True)
    assert "uri" not in source(said(checkout)) and source(said(checkout))["name"] == "source"


def test_nothing_is_built_where_git_cannot_say_what(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    done = build(checkout)
    assert done.returncode != 0 and "git does not say what is built" in done.stderr and not (checkout / "out/serve.digest").exists()


@pytest.mark.parametrize("argument", ["--file=other", "-fother", "--from", "--target=build", "--build-context=base=docker://x", "--build-arg-file=more"])
def test_what_would_build_something_else_is_refused(checkout: Path, argument: str) -> None:
    done = build(checkout, argument)
    assert (done.returncode, done.stderr.splitlines()[:2]) == (2, ["image: this would build something else", f"  given    {argument}"])
