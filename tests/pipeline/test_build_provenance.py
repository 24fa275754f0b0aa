"""What is said of a build is SLSA's provenance, names no secret, and is read back as it was said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.pipeline.build_provenance import UNNAMED, Provenance, Run, Source, builder_of, read, repository_uri, statement

BASE, BUILD, OTHER, IMAGE = ("sha256:" + each * 64 for each in "1234")
DOCKERFILE = f"ARG BUILD=docker.io/library/python:3.11@{BUILD}\n# ARG NOT=this\nARG BASE=gcr.io/base@{BASE}\nFROM ${{BASE}}\nARG HELD=\nARG PLAIN\n"
OURS = "git+https://github.com/your-organisation/falaj"
SOURCE = Source(OURS, "c" * 40)
RUN = Run("https://builder", "https://run/1", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z")


def made(*arguments: str, source: Source = SOURCE, digest: str = IMAGE, bill: str = "") -> dict[str, Any]:
    return statement("falaj-serve", digest, dockerfile=DOCKERFILE, arguments=arguments, source=source, run=RUN, bill=bill)


def test_a_statement_is_in_totos_with_slsas_provenance() -> None:
    assert made("--build-arg", f"BASE=local/base@{OTHER}", "--pull-never", bill="sha256:" + "5" * 64) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "falaj-serve", "digest": {"sha256": "4" * 64}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:falaj:build:image:1",
                "externalParameters": {"image": "falaj-serve", "arguments": {"BASE": f"local/base@{OTHER}"}, "undeclared": [], "options": ["--pull-never"]},
                "resolvedDependencies": [
                    {"uri": OURS, "digest": {"gitCommit": "c" * 40}, "annotations": {"clean": True, "changed": []}},
                    {"name": "BASE", "uri": "docker://local/base", "digest": {"sha256": "3" * 64}},
                    {"name": "BUILD", "uri": "docker://docker.io/library/python:3.11", "digest": {"sha256": "2" * 64}},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://builder"},
                "metadata": {"invocationId": "https://run/1", "startedOn": "2026-01-01T00:00:00Z", "finishedOn": "2026-01-01T00:05:00Z"},
                "byproducts": [{"name": "bill-of-materials", "digest": {"sha256": "5" * 64}}],
            },
        },
    }


def test_what_may_be_a_secret_is_named_and_not_told() -> None:
    said = made(
        "--secret", "id=pip,src=/home/me/pip.conf", "--build-arg", "HTTPS_PROXY=http://me:password@proxy", "--build-arg=HELD=torch", "--creds=me:password"
    )
    parameters = said["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters == {"image": "falaj-serve", "arguments": {"HELD": "torch"}, "undeclared": ["HTTPS_PROXY"], "options": ["--creds", "--secret"]}
    assert "password" not in json.dumps(said) and "/home" not in json.dumps(said)


@pytest.mark.parametrize("arguments", [("--build-arg", "BASE=python:3.11"), ("--build-arg=BUILD=python",), ("--build-arg", "BASE")])
def test_a_base_without_a_digest_is_no_provenance(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="named by digest"):
        made(*arguments)


@pytest.mark.parametrize("digest", ["", "latest", "sha256:" + "4" * 63, "4" * 64])
def test_an_image_without_a_digest_has_no_provenance(digest: str) -> None:
    with pytest.raises(UsageError, match="no digest of an image"):
        made(digest=digest)


@pytest.mark.parametrize(
    ("source", "read_"),
    [
        (SOURCE, (OURS, "c" * 40, True)),
        (Source(OURS, "c" * 40, ("falaj/files.py",)), (OURS, "c" * 40, False)),
        (Source("", "c" * 40), ("", "c" * 40, True)),
    ],
)
def test_what_was_said_is_read_again(source: Source, read_: tuple[str, str, bool]) -> None:
    repository, commit, clean = read_
    assert read(json.dumps(made(source=source)).encode()) == (Provenance("falaj-serve", IMAGE, "https://builder", repository, commit, clean), "")


def changed(path: str, value: Any) -> bytes:
    whole = made()
    holder: Any = whole
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    for step in steps:
        holder = holder[step]
    holder[last] = value
    return json.dumps(whole).encode()


DEFINITION = "predicate/buildDefinition"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "it cannot be read: Expecting value"),
        (json.dumps(made()).encode()[:-1], "it cannot be read: Expecting ',' delimiter"),
        (b"[" * 100_000, "it cannot be read: "),
        (b"[]", "it cannot be read: "),
        (json.dumps(made()).encode()[:-1] + b', "subject": []}', "it cannot be read: key 'subject' stands twice"),
        (changed("_type", "https://in-toto.io/Statement/v0.1"), "it is no provenance of SLSA version 1"),
        (changed("predicateType", "https://slsa.dev/provenance/v0.2"), "it is no provenance of SLSA version 1"),
        (changed(f"{DEFINITION}/buildType", "https://other"), "it is of another kind of build, https://other"),
        (changed("subject", []), "it cannot be read: not enough values"),
        (changed("subject", made()["subject"] * 2), "it cannot be read: too many values"),
        (changed("subject/0/digest", {"sha512": "1"}), "it cannot be read: 'sha256'"),
        (changed("subject/0/digest/sha256", "12"), "it names no image by its digest"),
        (changed("subject/0/name", ""), "it names no image by its digest"),
        (changed("predicate/runDetails", {}), "it cannot be read: 'builder'"),
        (changed(f"{DEFINITION}/resolvedDependencies", "git"), "it cannot be read: "),
    ],
)
def test_what_is_no_provenance_of_one_image_says_nothing(payload: bytes, why: str) -> None:
    said, answer = read(payload)
    assert said is None and answer.startswith(why)


@pytest.mark.parametrize(
    ("path", "value", "missing"),
    [
        ("predicate/runDetails/builder/id", 5, {"builder": ""}),
        (f"{DEFINITION}/resolvedDependencies/0/annotations", None, {"clean": None}),
        (f"{DEFINITION}/resolvedDependencies/0/annotations/clean", "yes", {"clean": None}),
        (f"{DEFINITION}/resolvedDependencies/0/digest/gitCommit", 5, {"commit": ""}),
        (f"{DEFINITION}/resolvedDependencies", [], {"repository": "", "commit": "", "clean": None}),
        (
            f"{DEFINITION}/resolvedDependencies",
            made()["predicate"]["buildDefinition"]["resolvedDependencies"][:1] * 2,
            {"repository": "", "commit": "", "clean": None},
        ),
    ],
)
def test_what_a_provenance_leaves_out_is_missing(path: str, value: Any, missing: dict[str, Any]) -> None:
    said, why = read(changed(path, value))
    whole: dict[str, Any] = {"image": "falaj-serve", "digest": IMAGE, "builder": "https://builder", "repository": OURS, "commit": "c" * 40, "clean": True}
    assert (said, why) == (Provenance(**{**whole, **missing}), "")


@pytest.mark.parametrize(
    ("remote", "uri"),
    [
        ("https://github.com/your-organisation/falaj.git", OURS),
        ("https://me:token@github.com/your-organisation/falaj", OURS),
        ("git@github.com:your-organisation/falaj.git", OURS),
        ("ssh://git@github.com/your-organisation/falaj.git/", OURS),
        ("/srv/git/falaj", ""),
        ("../falaj", ""),
        ("file:///srv/git/falaj", ""),
        ("", ""),
    ],
)
def test_a_repository_is_named_without_who_asks(remote: str, uri: str) -> None:
    assert repository_uri(remote) == uri


def test_a_job_of_github_is_named_by_its_workflow_and_a_machine_by_what_it_is_called() -> None:
    job = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/n",
        "GITHUB_WORKFLOW_REF": "o/n/.github/workflows/images.yml@refs/heads/main",
        "GITHUB_RUN_ID": "7",
        "GITHUB_RUN_ATTEMPT": "2",
    }
    workflow = "https://github.com/o/n/.github/workflows/images.yml@refs/heads/main"
    assert builder_of({**job, "FALAJ_BUILDER": "https://falaj.internal/builders/one"}) == (workflow, "https://github.com/o/n/actions/runs/7/attempts/2")
    assert builder_of({"FALAJ_BUILDER": "https://falaj.internal/builders/one"}) == ("https://falaj.internal/builders/one", "")
    assert builder_of({}) == (UNNAMED, "")
