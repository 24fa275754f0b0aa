"""Indexed Jobs: which numbers are done, which have failed for good, and what that says of the Job."""

from __future__ import annotations

from collections import Counter

from infra.sandbox.kubernetes.kinds import Object, field_at, name_of

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
"""Annotation of a pod: how often its number has failed before, where numbers have attempts of their own."""


def is_indexed(job: Object) -> bool:
    """True where each pod of a Job has a number of its own."""
    return job["spec"].get("completionMode") == "Indexed"


def has_own_limits(job: Object) -> bool:
    """True where each number may fail for itself."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def indexes(pods: list[Object]) -> set[int]:
    """The numbers of some pods."""
    return {number for pod in pods if (number := index_of(pod)) is not None}


def index_of(pod: Object) -> int | None:
    """The number of a pod, None where it has none."""
    found = (pod["metadata"].get("annotations") or {}).get(INDEX)
    return None if found is None else int(found)


def failures(failed: list[Object]) -> Counter[int]:
    """How often each number has failed."""
    return Counter(number for pod in failed if (number := index_of(pod)) is not None)


def failed_indexes(job: Object, failed: list[Object], ended: set[int], succeeded: set[int]) -> set[int]:
    """Numbers that are not tried again: `ended` by a FailIndex rule, or failed more often than each may. Without limits of their own there are none."""
    if not has_own_limits(job):
        return set()
    most = job["spec"]["backoffLimitPerIndex"]
    return {number for number, times in failures(failed).items() if times > most} | ended - succeeded


def verdict(job: Object, failed: set[int], succeeded: set[int]) -> tuple[str, str] | None:
    """Why the numbers that have failed for good end the Job, if they do."""
    most, all_of_them = job["spec"].get("maxFailedIndexes"), job["spec"].get("completions") or 0
    if most is not None and len(failed) > most:
        return "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
    if failed and len(failed | succeeded) >= all_of_them:
        return "FailedIndexes", "Job has failed indexes"
    return None


def success(job: Object, succeeded: set[int]) -> str | None:
    """The success rule that has been met, in the words of the Job controller; None where none has."""
    for place, rule in enumerate(field_at(job, "spec.successPolicy.rules") or []):
        wanted = parsed(rule["succeededIndexes"]) if rule.get("succeededIndexes") is not None else None
        counted = succeeded if wanted is None else succeeded & wanted
        needed = rule.get("succeededCount")
        if len(counted) >= (needed if needed is not None else len(wanted or ())):
            return f"Matched rules at index {place}"
    return None


def dress(pod: Object, job: Object, number: int, before: int) -> Object:
    """Give a new pod its number: label, annotation, host name and JOB_COMPLETION_INDEX; `before` is how often that number has failed."""
    pod["metadata"]["annotations"][INDEX] = str(number)
    if has_own_limits(job):
        pod["metadata"]["annotations"][FAILURES] = str(before)
    pod["spec"]["hostname"] = f"{name_of(job)}-{number}"
    variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}}
    for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
        container["env"] = [*(container.get("env") or []), variable]
    return pod


def ranges(numbers: set[int]) -> str:
    """`{0, 1, 2, 4}` as `0-2,4`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def parsed(text: str) -> set[int]:
    """`0-2,4` as `{0, 1, 2, 4}`. Raises ValueError for what is no such list."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or part.endswith("-"):
            raise ValueError(f"{part!r} is neither a number nor a range of them")
        found |= set(range(int(first), int(last or first) + 1))
    return found
