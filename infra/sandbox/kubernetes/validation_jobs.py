"""What the parts of a Job must look like that say how its pods count."""

from __future__ import annotations

from infra.sandbox.kubernetes.checker import Checker
from infra.sandbox.kubernetes.controllers.indexed import parsed
from infra.sandbox.kubernetes.kinds import Object, field_at

_ONLY_INDEXED = ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy")


def check_indexed(check: Checker, spec: Object, at: str) -> None:
    """Check what only Indexed Jobs have: numbers that fail for themselves, and success before all are done."""
    if spec.get("completionMode") == "Indexed":
        if spec.get("completions") is None:
            check.missing(f"{at}.completions", "when completion mode is Indexed")
    else:
        for field in _ONLY_INDEXED:
            if spec.get(field) is not None:
                check.wrong(f"{at}.{field}", spec[field], "requires indexed completion mode")
    if spec.get("maxFailedIndexes") is not None:
        if spec.get("backoffLimitPerIndex") is None:
            check.missing(f"{at}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
        if isinstance(spec.get("completions"), int) and spec["maxFailedIndexes"] > spec["completions"]:
            check.wrong(f"{at}.maxFailedIndexes", spec["maxFailedIndexes"], "must be less than or equal to completions")
    if spec.get("backoffLimitPerIndex") is not None:
        _never(check, spec, at, "backoffLimitPerIndex")
    if spec.get("successPolicy") is not None:
        _check_success(check, spec, at)


def check_failure_policy(check: Checker, spec: Object, at: str) -> None:
    """Check the rules of a pod failure policy."""
    for index, rule in enumerate(field_at(spec, "podFailurePolicy.rules") or []):
        here = f"{at}.podFailurePolicy.rules[{index}]"
        check.one_of(rule, "action", here, ("FailJob", "FailIndex", "Ignore", "Count"))
        if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            check.wrong(f"{here}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
        if bool(rule.get("onExitCodes")) == bool(rule.get("onPodConditions")):
            check.wrong(here, rule.get("action"), "specify one of: onExitCodes, onPodConditions")
        codes = field_at(rule, "onExitCodes.values") or []
        if codes != sorted(set(codes)):
            check.wrong(f"{here}.onExitCodes.values", codes, "must be ordered, each value once")
        if field_at(rule, "onExitCodes.operator") == "In" and 0 in codes:
            check.wrong(f"{here}.onExitCodes.values", 0, "must not be 0 for the In operator")
        _never(check, spec, at, "podFailurePolicy")


def _never(check: Checker, spec: Object, at: str, because: str) -> None:
    policy = field_at(spec, "template.spec.restartPolicy")
    if policy != "Never":
        check.wrong(f"{at}.template.spec.restartPolicy", policy, f"only Never can be used with {because}")


def _check_success(check: Checker, spec: Object, at: str) -> None:
    rules = field_at(spec, "successPolicy.rules") or []
    if not rules:
        check.missing(f"{at}.successPolicy.rules", "at least one rule must be specified")
    for index, rule in enumerate(rules):
        here = f"{at}.successPolicy.rules[{index}]"
        named, count, most = rule.get("succeededIndexes"), rule.get("succeededCount"), spec.get("completions")
        if named is None and count is None:
            check.missing(here, "at least one of succeededCount or succeededIndexes must be specified")
        if count is not None:
            check.whole(rule, "succeededCount", here, least=1)
            if isinstance(count, int) and isinstance(most, int) and count > most:
                check.wrong(f"{here}.succeededCount", count, f"must be less than or equal to {most} (the number of specified completions)")
        if named is None:
            continue
        try:
            found = parsed(named)
        except (AttributeError, ValueError) as problem:
            check.wrong(f"{here}.succeededIndexes", named, str(problem))
            continue
        if isinstance(most, int) and max(found) >= most:
            check.wrong(f"{here}.succeededIndexes", named, f"indexes must be less than {most}, the number of completions")
        if isinstance(count, int) and count > len(found):
            check.wrong(
                f"{here}.succeededCount", count, f"must be less than or equal to {len(found)} (the number of indexes in the specified succeededIndexes)"
            )
