"""The files that stages of road A hand to each other: typed, canonical, named by their digest.

A plan's values carry two markers, so that a rule can never mistake them for plain text:
`{"__falaj__": "unknown"}` stands for a value that only exists after an apply, `{"__falaj__": "secret"}` for one that must
not be shown. Edges between resources are in `property_dependencies` (top-level input -> URNs it was computed from).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from falaj.canonical import canonical, digest_bytes
from falaj.errors import UsageError
from falaj.files import read_json, write_json

UNKNOWN: dict[str, str] = {"__falaj__": "unknown"}
SECRET: dict[str, str] = {"__falaj__": "secret"}

Op = Literal["same", "create", "update", "replace", "delete", "read", "import"]
"""What a plan does with a resource; the engine's create-replacement and delete-replaced steps are one `replace` here. An `import` may change it too."""
Verdict = Literal["allowed", "denied", "undecided"]


class Artifact(BaseModel):
    """Base of all artifacts: frozen, unknown keys refused, digest over the canonical JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def canonical(self) -> bytes:
        """RFC 8785 JSON of what `to_json` gives."""
        return canonical(self.to_json())

    @property
    def digest(self) -> str:
        return digest_bytes(self.canonical())

    def write(self, path: Path) -> Self:
        write_json(path, self.to_json())
        return self

    @classmethod
    def read(cls, path: Path, *, next: str = "make it again with the command that writes it") -> Self:
        """Raises UsageError when the file is missing, truncated or not of this schema."""
        return cls.of(read_json(path, what=cls.__name__.lower() + " file", next=next), path, next=next)

    @classmethod
    def of(cls, value: Any, path: Path, *, next: str = "make it again with the command that writes it") -> Self:
        """`value`, as it was read from `path`. Raises UsageError when it is not of this schema."""
        try:
            return cls.model_validate(value)
        except ValueError as problem:
            raise UsageError(f"{path.name} is not a {cls.__name__}", given=str(path), why=str(problem).splitlines()[0], next=next) from problem


class StateRef(BaseModel):
    """The starting state a plan was made from; part of an artifact, not one itself. `serial` grows by one with every write; an empty state is serial 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: int
    digest: str


class PlannedResource(Artifact):
    """One resource as the plan wants it (or, for op `delete`, as it was)."""

    urn: str
    former: str | None = None
    """URN that the state knows it by, where that is another."""
    type: str
    name: str
    op: Op
    custom: bool
    parent: str | None = None
    provider: str | None = None
    """Provider reference: `<urn>::<id>`; the id is left out (`<urn>::`) where it is not known yet."""
    inputs: dict[str, Any] = {}
    dependencies: list[str] = []
    property_dependencies: dict[str, list[str]] = {}
    protect: bool = False
    replace_keys: list[str] = []
    diff_keys: list[str] = []


class Plan(Artifact):
    """What one stack would become. Explicit and default provider resources are included, with their inputs."""

    schema_: Literal["falaj.plan/1"] = "falaj.plan/1"
    environment: str
    project: str
    stack: str
    """Short name of the stack's folder, for example `foundation`; the folder's name for a user's own program."""
    program: str
    """Digest of the program folder (source files and config)."""
    state: StateRef
    resources: list[PlannedResource]
    outputs: dict[str, Any] = {}

    def canonical(self) -> bytes:
        # A plan can be large, and its fields are JSON values as they stand: no copy of them is made first.
        return canonical({**self.__dict__, "state": self.state.__dict__, "resources": [resource.__dict__ for resource in self.resources]})

    def changes(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for resource in self.resources:
            counts[resource.op] = counts.get(resource.op, 0) + 1
        return dict(sorted(counts.items()))


class RuleResult(Artifact):
    """What one rule found. Passed = judged - failed - unknown; subjects are URNs, or ids of parts of a release."""

    rule: str
    title: str
    check: str
    severity: Literal["low", "medium", "high", "critical"]
    controls: dict[str, list[str]] = {}
    remediation: str = ""
    runbook: str = ""
    judged: list[str]
    fail: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    level: Literal["advisory", "mandatory"] = "mandatory"
    """As in force at the time of the decision: a rule before its effective day is advisory."""
    waived: dict[str, str] = {}
    """Subject -> id of the waiver that excuses its failures; they stay in `fail`."""
    deferred: dict[str, list[str]] = {}
    """Subject -> what `up` judges again before it makes that resource; left out of `unknown`."""


class WaiverUse(Artifact):
    """A waiver as a decision used it, or refused to: of a rule for a resource, or of a parameter."""

    id: str
    rule: str
    resource: str
    parameter: str = ""
    """Path of the parameter that the environment may have looser than all of them; such a waiver names no rule and no resource."""
    owner: str
    reason: str
    control: str
    """What protects instead."""
    approvers: list[str]
    expires: str
    state: Literal["used", "unused", "refused"]
    why: str = ""
    """Of a refused one: expired, unsigned, altered, not approved twice."""


class Decision(Artifact):
    """The gate's answer, bound to what was judged, by which policy, from which state."""

    schema_: Literal["falaj.decision/1"] = "falaj.decision/1"
    kind: Literal["plan", "release", "repository", "evidence"]
    environment: str
    subject: str
    """`<project>/<stack>` of a plan, the run id of a release, the folder of a repository or of evidence documents."""
    subject_digest: str
    """Digest of the plan, or of the candidate document."""
    policy_digest: str
    parameters_digest: str
    state: StateRef | None = None
    verdict: Verdict
    rules: list[RuleResult]
    faults: list[str] = []
    """Why no answer could be had: nothing judged, an engine error, a rule that contradicts itself."""
    waivers: list[WaiverUse] = []
    waivers_digest: str = ""
    """Digest over all waiver files there were, used or not."""
    unjudged: dict[str, int] = {}
    """Resource type that no rule knows and nobody has reviewed -> how many of it the plan holds."""
    author: str = ""
    """Who made the plan, as far as the machine knows; an approval must come from somebody else."""
    engine: str
    decided_at: str
    """UTC, RFC 3339 with `Z`; passed in, never read by a rule."""


class Closure(Artifact):
    """A deferred unknown, judged again with the values known right before its step."""

    rule: str
    urn: str
    result: Literal["pass", "fail", "unknown"]
    why: list[str] = []
    closed_at: str
    """UTC, RFC 3339 with `Z`."""


class ClosedDecision(Artifact):
    """What became of the unknowns that a decision left to the apply."""

    schema_: Literal["falaj.closed_decision/1"] = "falaj.closed_decision/1"
    plan_digest: str
    decision_digest: str
    closures: list[Closure]
    open: dict[str, list[str]] = {}
    """Rule -> resources that no step came to; an apply that leaves one has failed."""


class AppliedStep(Artifact):
    """One thing that was done to one resource."""

    urn: str
    op: str
    seconds: float
    error: str | None = None


class ApplyRecord(Artifact):
    """What an apply did, and between which states."""

    schema_: Literal["falaj.apply/1"] = "falaj.apply/1"
    environment: str
    project: str
    stack: str
    plan_digest: str
    decision_digest: str
    engine: str
    before: StateRef
    after: StateRef
    steps: list[AppliedStep]
    result: Literal["succeeded", "failed"]
    error: str | None = None
    closures: list[Closure] = []
    """Deferred unknowns that were judged again during this apply."""
    closed_digest: str = ""
    """Digest of decision.closed.json; empty where the decision deferred nothing."""
    started_at: str
    finished_at: str
