"""A happy world: an environment in which everything was planned, judged, applied, trained, released and watched.

Every number and time is fixed, so that the same world has the same bytes. Tests build it and change one fact.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falaj.canonical import digest, digest_bytes
from falaj.files import write_json
from falaj.home import environment_folder, runs_folder, stack_folder, volume_folder
from infra.artifacts import SECRET, UNKNOWN, AppliedStep, ApplyRecord, Decision, Plan, PlannedResource, RuleResult, StateRef
from infra.audit import chain

NOON = "2026-11-23T12:00:00Z"
RUN = "20261123-120400-4f1c"
VERSION = "2026.11.23-4f1c"
PARAMETERS = {"allowed_regions": ["me-central-1"], "environment": "local", "max_compression_loss": 0.02}
POLICY_DIGEST = digest({"policies": "of the happy world"})

_TYPES = {
    "foundation": {
        "aws:kms/key:Key": ["data-key", "artifacts-key", "evidence-key"],
        "aws:s3/bucket:Bucket": ["data", "artifacts", "evidence", "logs"],
        "aws:ec2/vpc:Vpc": ["network"],
        "aws:ec2/subnet:Subnet": ["private-a", "private-b", "private-c"],
        "aws:iam/role:Role": ["training", "inference"],
        "aws:cloudtrail/trail:Trail": ["trail"],
    },
    "cluster": {"aws:eks/cluster:Cluster": ["cluster"], "aws:eks/nodeGroup:NodeGroup": ["system", "gpu", "inference-cpu"]},
    "platform": {
        "kubernetes:core/v1:Namespace": ["training", "inference"],
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": ["deny-training", "deny-inference"],
    },
    "workloads": {
        "kubernetes:batch/v1:CronJob": ["prepare", "train", "compress", "evaluate", "register", "drift"],
        "kubernetes:apps/v1:Deployment": ["flan-t5"],
    },
}
_RULES: dict[str, tuple[str, str, str, str, str, dict[str, list[str]]]] = {
    "provider_region": ("foundation", "Everything stays in an allowed region", "C01", "critical", "", {"iso27001": ["A.5.31"], "gdpr": ["44"]}),
    "bucket_encrypted": (
        "foundation",
        "A bucket is encrypted with a key of ours",
        "C02",
        "high",
        "aws:s3/bucket:Bucket",
        {"iso27001": ["A.8.24"], "gdpr": ["32(1)(a)"]},
    ),
    "key_rotated": ("foundation", "A key is rotated", "C06", "medium", "aws:kms/key:Key", {"iso27001": ["A.8.24"], "gdpr": ["32(1)(a)"]}),
    "iam_wildcards": ("foundation", "No role may do everything", "C09", "high", "aws:iam/role:Role", {"iso27001": ["A.8.2"], "gdpr": ["32(1)(b)"]}),
    "cluster_endpoint_private": (
        "cluster",
        "The cluster's endpoint is private",
        "C07",
        "high",
        "aws:eks/cluster:Cluster",
        {"iso27001": ["A.8.20"], "gdpr": ["32(1)(b)"]},
    ),
    "gpu_pool": ("cluster", "A GPU pool is tainted and limited", "C10", "medium", "aws:eks/nodeGroup:NodeGroup", {"iso27001": ["A.8.6"]}),
    "namespace_default_deny": (
        "platform",
        "A namespace denies traffic by default",
        "C11",
        "high",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        {"iso27001": ["A.8.20"], "gdpr": ["32(1)(b)"]},
    ),
    "pod_restricted": ("workloads", "A pod runs restricted", "C12", "high", "kubernetes:batch/v1:CronJob", {"iso27001": ["A.8.9"], "gdpr": ["25(2)"]}),
}
_RELEASE_RULES: dict[str, tuple[str, str, str]] = {
    "quality_floor": ("The model is better than guessing", "C27", "high"),
    "compression_loss": ("Compression costs no more than allowed", "C27", "high"),
    "data_provenance": ("Source and licence of all data are known", "C26", "high"),
    "digests_match": ("The files are those that were evaluated", "C24", "critical"),
}
STACKS = tuple(_TYPES)
STAGES = {"prepare": 6.2, "train": 94.8, "compress": 11.3, "evaluate": 38.4, "gate": 0.3, "register": 4.1}


def build(environment: str = "local") -> Path:
    """Make the whole world under FALAJ_HOME and return the environment's folder."""
    chain.append(environment, "up_started", environment, {}, NOON)
    for minute, stack in enumerate(STACKS):
        build_stack(environment, stack, minute)
    build_run(environment)
    build_drift(environment)
    build_up(environment)
    return environment_folder(environment)


def plan(environment: str, stack: str) -> Plan:
    """The stack planned from nothing, with unknowns, secrets and edges."""
    resources = [_resource(environment, stack, kind, name, number) for kind, names in _TYPES[stack].items() for number, name in enumerate(names)]
    provider = PlannedResource(
        urn=_urn(environment, stack, "pulumi:providers:aws", "aws"),
        type="pulumi:providers:aws",
        name="aws",
        op="create",
        custom=True,
        inputs={"region": "me-central-1"},
    )
    return Plan(
        environment=environment,
        project=f"falaj-{stack}",
        stack=stack,
        program=digest({"program": stack}),
        state=StateRef(serial=0, digest=digest({})),
        resources=[provider, *resources],
        outputs={"contract": f"falaj.{stack}/1"},
    )


def decision(judged: Plan) -> Decision:
    """Every rule of the stack passed."""
    return Decision(
        kind="plan",
        environment=judged.environment,
        subject=f"{judged.project}/{judged.environment}",
        subject_digest=judged.digest,
        policy_digest=POLICY_DIGEST,
        parameters_digest=digest(PARAMETERS),
        state=judged.state,
        verdict="allowed",
        rules=[
            RuleResult(
                rule=rule,
                title=title,
                check=check,
                severity=severity,  # ty: ignore[invalid-argument-type]
                controls=controls,
                remediation="Use the component of the platform.",
                runbook="gate_denied",
                judged=[each.urn for each in judged.resources if each.custom and (not kind or each.type == kind)],
            )
            for rule, (stack, title, check, severity, kind, controls) in _RULES.items()
            if stack == judged.stack
        ],
        engine="regorus 0.13.0",
        decided_at=NOON,
    )


def build_stack(environment: str, stack: str, minute: int) -> None:
    """plan.json, decision.json, parameters.json and apply.json of one stack, and their audit entries."""
    folder = stack_folder(environment, stack)
    planned = plan(environment, stack).write(folder / "plan.json")
    judged = decision(planned).write(folder / "decision.json")
    write_json(folder / "parameters.json", PARAMETERS)
    at = f"2026-11-23T12:0{minute}:30Z"
    record = ApplyRecord(
        environment=environment,
        project=planned.project,
        stack=stack,
        plan_digest=planned.digest,
        decision_digest=judged.digest,
        engine="embedded",
        before=planned.state,
        after=StateRef(serial=len(planned.resources), digest=digest({"state": stack})),
        steps=[AppliedStep(urn=each.urn, op=each.op, seconds=round(0.05 + 0.013 * number, 3)) for number, each in enumerate(planned.resources)],
        result="succeeded",
        started_at=at,
        finished_at=at.replace(":30Z", ":34Z"),
    ).write(folder / "apply.json")
    chain.append(environment, "planned", stack, {"plan": planned.digest, "resources": len(planned.resources)}, at)
    chain.append(environment, "judged", stack, {"decision": judged.digest, "verdict": judged.verdict}, at)
    chain.append(environment, "applied", stack, {"apply": record.digest, "result": record.result}, record.finished_at)


def candidate() -> dict[str, Any]:
    """What `evaluate` hands to the gate: a new task learned, and almost nothing lost by INT8."""
    return {
        "schema": "falaj.candidate/1",
        "run": RUN,
        "base_model": {"name": "falaj-seed-t5-12m", "licence": "Apache-2.0", "digest": digest({"seed": 1})},
        "data": {
            "name": "debian-descriptions",
            "sources": [
                {
                    "name": "Debian bookworm main",
                    "uri": "debian:bookworm/main",
                    "licence": "GPL-2.0-or-later",
                    "revision": "2026-11-20",
                    "digest": digest({"data": 1}),
                }
            ],
            "digest": digest({"rows": 1}),
            "rows": {"train": 4812, "validation": 602, "test": 604},
            "card_digest": digest({"card": 1}),
        },
        "recipe": {"name": "tune_seed", "epochs": 3, "learning_rate": 0.0006, "batch": 32},
        "models": {
            "full": {"format": "safetensors", "files": {"train/model/model.safetensors": digest_bytes(b"full")}, "bytes": 48_914_432},
            "int8": {
                "format": "onnx",
                "files": {"compress/model/encoder.onnx": digest_bytes(b"encoder"), "compress/model/decoder.onnx": digest_bytes(b"decoder")},
                "bytes": 13_107_200,
            },
        },
        "evaluation": {
            "tasks": {
                "summarize": {"metric": "rougeL", "rows": 200},
                "section": {"metric": "accuracy", "rows": 302},
                "language": {"metric": "accuracy", "rows": 302},
            },
            "models": {
                "seed": {"summarize": {"rougeL": 0.312}, "section": {"accuracy": 0.581}, "language": {"accuracy": 0.013}},
                "full": {"summarize": {"rougeL": 0.358}, "section": {"accuracy": 0.642}, "language": _about(0.781)},
                "int8": {"summarize": {"rougeL": 0.355}, "section": {"accuracy": 0.639}, "language": _about(0.777)},
            },
            "baselines": {"lead8": {"summarize": {"rougeL": 0.261}}, "majority": {"section": {"accuracy": 0.184}, "language": {"accuracy": 0.412}}},
        },
        "code": {"commit": "0f3c9a1"},
    }


def _about(accuracy: float) -> dict[str, float]:
    return {"accuracy": accuracy, "accuracy_low": round(accuracy - 0.045, 6), "accuracy_high": round(accuracy + 0.045, 6)}


def release_decision(environment: str, judged: dict[str, Any]) -> Decision:
    """All four release rules passed."""
    return Decision(
        kind="release",
        environment=environment,
        subject=RUN,
        subject_digest=digest(judged),
        policy_digest=POLICY_DIGEST,
        parameters_digest=digest(PARAMETERS),
        verdict="allowed",
        rules=[
            RuleResult(
                rule=rule,
                title=title,
                check=check,
                severity=severity,  # ty: ignore[invalid-argument-type]
                controls={"iso27001": ["A.8.29"], "gdpr": ["5(1)(d)"]},
                judged=["summarize", "section", "language"] if check == "C27" else ["release"],
            )
            for rule, (title, check, severity) in _RELEASE_RULES.items()
        ],
        engine="regorus 0.13.0",
        decided_at="2026-11-23T12:07:10Z",
    )


def run_record(environment: str) -> dict[str, Any]:
    """`run.json` of a finished run."""
    return {
        "schema": "falaj.run/1",
        "run": RUN,
        "environment": environment,
        "recipe": "tune_seed",
        "data": None,
        "cause": None,
        "basis": {"policies": POLICY_DIGEST},
        "status": "done",
        "started": "2026-11-23T12:04:00Z",
        "finished": "2026-11-23T12:07:21Z",
        "seconds": round(sum(STAGES.values()), 3),
        "reasons": [],
        "steps": [
            {
                "name": name,
                "status": "done",
                "seconds": seconds,
                "inputs": digest({"in": name}),
                "output": digest({"out": name}),
                "started": NOON,
                "finished": NOON,
                "attempts": 1,
                "error": None,
            }
            for name, seconds in STAGES.items()
        ],
    }


def build_run(environment: str) -> None:
    """A finished run of road B with its release documents; models and rows are there too, and must not be collected."""
    run = runs_folder(environment) / RUN
    judged = candidate()
    verdict = release_decision(environment, judged)
    for stage in (name for name in STAGES if name != "gate"):
        write_json(run / stage / "manifest.json", {"schema": f"falaj.{stage}/1", "stage": stage, "created": NOON})
    write_json(run / "run.json", run_record(environment))
    write_json(run / "evaluate" / "candidate.json", judged)
    speed = {"full": {"seconds": 21.4, "tokens_per_second": 412.0}, "int8": {"seconds": 9.8, "tokens_per_second": 903.5}}
    examples = [{"source": "summarize: a private row", "target": "private"}]
    write_json(run / "evaluate" / "eval.json", {**judged["evaluation"], "speed": speed, "examples": examples})
    write_json(run / "parameters.json", PARAMETERS)
    verdict.write(run / "decision.json")
    _text(run / "prepare" / "data_card.md", "# Debian package descriptions\n\nPublic descriptions of packages; no personal data was found.\n")
    _text(run / "prepare" / "train.jsonl", '{"source": "summarize: a row of data", "target": "row"}\n')
    _text(run / "train" / "model" / "model.safetensors", "full")
    _text(run / "compress" / "model" / "encoder.onnx", "encoder")
    _text(run / "compress" / "model" / "decoder.onnx", "decoder")
    _text(run / "train" / "model" / "config.json", "{}")
    release = run / "register"
    write_json(
        release / "release.json",
        {
            "schema": "falaj.release/1",
            "version": VERSION,
            "name": "flan-t5",
            "run": RUN,
            "parent": None,
            "candidate": digest(judged),
            "decision": verdict.digest,
            "base_model": judged["base_model"],
            "data": judged["data"]["digest"],
            "files": {"model/encoder.onnx": digest_bytes(b"encoder"), "model/decoder.onnx": digest_bytes(b"decoder")},
            "registered_at": "2026-11-23T12:07:20Z",
        },
    )
    _text(release / "model.sig", '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}')
    _text(release / "key.pem", "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n")
    _text(release / "model" / "encoder.onnx", "encoder")
    _text(release / "model" / "tokenizer.json", "{}")
    chain.append(environment, "judged", RUN, {"decision": verdict.digest, "verdict": "allowed"}, "2026-11-23T12:07:10Z")
    chain.append(environment, "released", VERSION, {"run": RUN}, "2026-11-23T12:07:20Z")


def build_drift(environment: str) -> None:
    """One window of clean traffic and one of shifted traffic."""
    drift = volume_folder(environment, "inference", "requests") / "drift"
    clean = {"words.psi": (0.04, 0.12), "tokens.ks": (0.06, 0.15), "unknown.psi": (0.01, 0.1), "label.js": (0.006, 0.02)}
    shifted = {"words.psi": (0.61, 0.12), "tokens.ks": (0.44, 0.15), "unknown.psi": (0.38, 0.1), "label.js": (0.014, 0.02)}
    for name, state, values, at in (("clean", "ok", clean, "12:08"), ("shifted", "drift", shifted, "12:09")):
        write_json(drift / "demo" / f"{name}.json", _comparison(state, values, f"2026-11-23T{at}:00Z", "demo"))
    write_json(drift / "drift.json", _comparison("too_little_data", {}, "2026-11-23T12:10:00Z", "live"))


def _comparison(state: str, values: dict[str, tuple[float, float]], at: str, traffic: str) -> dict[str, Any]:
    statistics = [
        {"feature": key.split(".")[0], "statistic": key.split(".")[1], "value": value, "threshold": limit, "drift": value > limit}
        for key, (value, limit) in values.items()
    ]
    return {
        "schema": "falaj.drift/1",
        "state": state,
        "release": VERSION,
        "profile": digest({"profile": 1}),
        "window": {"traffic": traffic, "requests": 200 if values else 3, "minimum": 50, "from": at, "to": at},
        "statistics": statistics,
        "reasons": [f"{each['feature']}: {each['statistic']} is too large" for each in statistics if each["drift"]],
        "decided_at": at,
    }


def build_up(environment: str) -> None:
    """What `falaj up` notes about itself."""
    write_json(
        environment_folder(environment) / "up.json",
        {
            "schema": "falaj.up/1",
            "addresses": {"inference": "http://127.0.0.1:14510", "aws sandbox": "http://127.0.0.1:14500", "process cluster": "http://127.0.0.1:14501"},
            "timings": [["sandbox", 3.1], ["plan and gate", 7.9], ["apply", 14.2], ["road", 155.1], ["drift", 12.8], ["evidence", 0.6]],
        },
    )


def _urn(environment: str, stack: str, kind: str, name: str) -> str:
    return f"urn:pulumi:{environment}::falaj-{stack}::{kind}::{name}"


def _resource(environment: str, stack: str, kind: str, name: str, number: int) -> PlannedResource:
    inputs: dict[str, Any] = {"tags": {"owner": "mlops", "environment": environment}}
    if number == 0:
        inputs["arn"], inputs["password"] = UNKNOWN, SECRET
    return PlannedResource(urn=_urn(environment, stack, kind, name), type=kind, name=name, op="create", custom=True, inputs=inputs)


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
