"""What the Pulumi CLI starts: every rule as a policy of its own, judged by the runner beside this file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_policy as sdk  # ty: ignore[import-not-found]
from pulumi_policy import policy as _sdk  # ty: ignore[import-not-found]
from runner import Findings, Runner  # ty: ignore[import-not-found]

RUNNER = Runner.read(Path(__file__).parent / "rules.json")
_SEVERITY = {"low": sdk.Severity.LOW, "medium": sdk.Severity.MEDIUM, "high": sdk.Severity.HIGH, "critical": sdk.Severity.CRITICAL}
_judged: dict[int, Findings] = {}

# The SDK takes secrets out of their wrapping and raises where a value is unknown, which ends the policy with a note that denies nothing.
# The rules tell known, unknown and secret apart themselves, so values are taken as the CLI sends them.
for _name in ("deserialize_properties", "unknown_checking_proxy"):
    if not hasattr(_sdk, _name):
        raise SystemExit(f"this pulumi-policy has no {_name}: install the version of requirements.txt")
_sdk.deserialize_properties = lambda props, *_: props
_sdk.unknown_checking_proxy = lambda props: props


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_preview() -> bool:
    return bool(pulumi.runtime.is_dry_run())


def _record(args: Any, report: Any) -> None:
    RUNNER.record(args.urn, args.resource_type, args.props, args.provider.urn if args.provider else None, getattr(args.opts, "parent", None) or None)


def _alone(id: str) -> Any:
    def validate(args: Any, report: Any) -> None:
        for urn, words in RUNNER.one(args.urn, _now(), preview=_is_preview()).get(id, []):
            report(f"{id}: {words}", urn or args.urn)

    return validate


def _joined(id: str) -> Any:
    def validate(args: Any, report: Any) -> None:
        for urn, words in _of_stack(args).get(id, []):
            report(f"{id}: {words}", urn or None)

    return validate


def _of_stack(args: Any) -> Findings:
    """One question for all rules: the SDK calls each policy with the same stack, in arguments of its own."""
    references = {each.urn: {key: [one.urn for one in found] for key, found in each.property_dependencies.items()} for each in args.resources}
    key = hash(repr(sorted(references.items())) + str(_is_preview()))
    if key not in _judged:
        _judged.clear()
        _judged[key] = RUNNER.all(references, _now(), preview=_is_preview())
    return _judged[key]


def _policy(rule: dict[str, Any]) -> Any:
    mandatory = rule["level"] == "mandatory" and rule["effective_on"] <= _now()[:10]
    framework = rule["framework"]
    kind, validate = (sdk.ResourceValidationPolicy, _alone(rule["id"])) if rule["alone"] else (sdk.StackValidationPolicy, _joined(rule["id"]))
    return kind(
        name=rule["id"].replace("_", "-"),
        display_name=rule["title"],
        description=f"{rule['title']}. {rule['description']}",
        validate=validate,
        enforcement_level=sdk.EnforcementLevel.MANDATORY if mandatory else sdk.EnforcementLevel.ADVISORY,
        severity=_SEVERITY[rule["severity"]],
        framework=sdk.PolicyComplianceFramework(name=framework["name"], reference=framework["reference"]) if framework else None,
        tags=rule["tags"],
        remediation_steps=rule["remediation"],
    )


sdk.PolicyPack(
    name="falaj",
    description=f"The rules of Falaj for {RUNNER.data['environment']}; policies {RUNNER.data['policy_digest']}",
    enforcement_level=sdk.EnforcementLevel.MANDATORY,
    policies=[
        sdk.ResourceValidationPolicy(
            name="falaj-record",
            description="Keeps what is told of each resource, for the rules that look at several.",
            validate=_record,
        ),
        *(_policy(rule) for rule in RUNNER.data["rules"]),
        sdk.StackValidationPolicy(
            name="falaj-gate",
            description="Every rule gave an answer, every type is known or reviewed, and something was judged.",
            validate=_joined("falaj-gate"),
            severity=sdk.Severity.CRITICAL,
        ),
    ],
)
