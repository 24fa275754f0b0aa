"""How an image was built: an in-toto Statement with SLSA's provenance (https://slsa.dev/spec/v1.1/provenance), written by `tools/image.sh` and read again.

Standard library only, so that a machine that builds images needs Python and nothing that we install. Nothing here is signed; see image_provenance.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from falaj.errors import UsageError
from falaj.files import said_once

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:falaj:build:image:1"
"""What the parameters mean: docs/images.md, "How it was built"."""
UNNAMED = "urn:falaj:builder:unnamed"
"""A builder that nobody has named; the committed parameters of no environment allow it."""
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_BASE = re.compile(r"^(?P<name>[^@\s]+)@sha256:(?P<digest>[0-9a-f]{64})$")
_DECLARED = re.compile(r"^ARG\s+([A-Za-z_][A-Za-z0-9_]*)(?:=(\S*))?\s*$", re.MULTILINE)
_BASES = ("BASE", "BUILD")
_SCP = re.compile(r"^(?:[^@/:]+@)?([^/:]+):(?!//)(.+)$")


@dataclass(frozen=True)
class Source:
    """The checkout that was built: where it is from (empty where nobody can say), its commit, and what of it differed from the commit."""

    repository: str
    commit: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """Who built, in which run, and when (RFC 3339, UTC)."""

    builder: str
    invocation: str
    began: str
    ended: str


@dataclass(frozen=True)
class Provenance:
    """What a statement says of one image; empty where it does not say it, and `clean` None."""

    image: str
    digest: str
    builder: str = ""
    repository: str = ""
    commit: str = ""
    clean: bool | None = None


def statement(name: str, digest: str, *, dockerfile: str, arguments: Sequence[str], source: Source, run: Run, bill: str = "") -> dict[str, Any]:
    """The statement about image `name`, built from the text `dockerfile` with buildah's `arguments`; `bill` is the digest of its bill of materials.

    Of arguments that the Dockerfile does not declare, and of other options, only the name is written down: their values may be secrets. Raises
    UsageError for a digest that is none, and for a base without one.
    """
    if not _DIGEST.match(digest):
        raise UsageError("this is no digest of an image", given=digest, allowed="sha256: and 64 digits", why="only a digest is content")
    given, options = _given(arguments)
    declared = {found[1]: found[2] or "" for found in _DECLARED.finditer(dockerfile)}
    bases = {each: given.get(each, declared[each]) for each in _BASES if each in declared}
    told = {each: value for each, value in sorted(given.items()) if each in declared}
    untold = sorted(each for each in given if each not in declared)
    code: dict[str, Any] = {"uri": source.repository} if source.repository else {"name": "source"}
    code |= {"digest": {"gitCommit": source.commit}, "annotations": {"clean": not source.changed, "changed": list(source.changed)}}
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"image": name, "arguments": told, "undeclared": untold, "options": options},
                "resolvedDependencies": [code, *(_base(each, value) for each, value in bases.items())],
            },
            "runDetails": {
                "builder": {"id": run.builder},
                "metadata": {"invocationId": run.invocation, "startedOn": run.began, "finishedOn": run.ended},
                **({"byproducts": [{"name": "bill-of-materials", "digest": {"sha256": bill.removeprefix("sha256:")}}]} if bill else {}),
            },
        },
    }


def read(payload: bytes) -> tuple[Provenance | None, str]:
    """What the bytes of a statement say, or None and why they are none of an image. Never raises."""
    try:
        said = json.loads(payload, object_pairs_hook=said_once)
        if (said["_type"], said["predicateType"]) != (STATEMENT, PREDICATE):
            return None, "it is no provenance of SLSA version 1"
        (subject,) = said["subject"]
        name, digest = subject["name"], "sha256:" + subject["digest"]["sha256"]
        definition, details = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
        if definition["buildType"] != BUILD_TYPE:
            return None, f"it is of another kind of build, {definition['buildType']}"
        code = [each for each in definition["resolvedDependencies"] if "gitCommit" in each.get("digest", {})]
        builder = details["builder"]["id"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        return None, f"it cannot be read: {problem or type(problem).__name__}"[:200]
    one = code[0] if len(code) == 1 else {}
    clean = _of(one.get("annotations"), "clean")
    found = Provenance(
        name if isinstance(name, str) else "",
        digest,
        _text(builder),
        _text(one.get("uri")),
        _text(_of(one.get("digest"), "gitCommit")),
        clean if isinstance(clean, bool) else None,
    )
    return (found, "") if found.image and _DIGEST.match(digest) else (None, "it names no image by its digest")


def repository_uri(remote: str) -> str:
    """Where a checkout is from, of git's address of its remote: without who asks and with what password. Empty for a path of this machine."""
    scp = _SCP.match(remote)
    if scp and "://" not in remote:
        host, path = scp[1], scp[2]
    else:
        parts = urlsplit(remote)
        if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
            return ""
        host, path = parts.hostname, parts.path
    return f"git+https://{host}/{path.strip('/').removesuffix('.git')}"


def builder_of(environ: Mapping[str, str]) -> tuple[str, str]:
    """Who builds and the address of this run: what GitHub says of a job of its own, else the name that FALAJ_BUILDER gives this machine."""
    if environ.get("GITHUB_ACTIONS") == "true":
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        run = f"{environ.get('GITHUB_RUN_ID', '')}/attempts/{environ.get('GITHUB_RUN_ATTEMPT', '1')}"
        return f"{server}/{environ.get('GITHUB_WORKFLOW_REF', '')}", f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    return environ.get("FALAJ_BUILDER") or UNNAMED, ""


def _given(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Build arguments with their values, and the names of all other options."""
    given: dict[str, str] = {}
    options: set[str] = set()
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if name == "--build-arg":
            key, _, said = (value or next(words, "")).partition("=")
            given[key] = said
        elif name.startswith("-"):
            options.add(name)
    return given, sorted(options)


def _base(argument: str, value: str) -> dict[str, Any]:
    found = _BASE.match(value)
    if not found:
        raise UsageError(
            "what an image is built on is named by digest", given=f"{argument}={value}", allowed="NAME@sha256:DIGEST", why="a tag is other content tomorrow"
        )
    return {"name": argument, "uri": f"docker://{found['name']}", "digest": {"sha256": found["digest"]}}


def _of(holder: Any, field: str) -> Any:
    return holder.get(field) if isinstance(holder, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
