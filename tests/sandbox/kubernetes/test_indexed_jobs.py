"""Indexed Jobs of the process cluster, with real processes: numbers that fail for themselves, success before all are done, pods that find each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.conditions import condition
from infra.sandbox.kubernetes.controllers.indexed import parsed, ranges
from infra.sandbox.kubernetes.kinds import Object
from tests.sandbox.kubernetes.conftest import job

NUMBER = "import os, sys, time; n = int(os.environ['JOB_COMPLETION_INDEX'])\n"
FAILURES = "batch.kubernetes.io/job-index-failure-count"


def indexed(name: str, code: str, pods: int, **spec: Any) -> Object:
    """An Indexed Job whose pods run side by side."""
    return job(name, NUMBER + code, completions=pods, parallelism=pods, completionMode="Indexed", **spec)


def counts(live: Object) -> dict[str, Any]:
    status = live["status"]
    return {key: status[key] for key in ("succeeded", "failed", "active", "completedIndexes", "failedIndexes") if key in status}


def failed(client: Client, name: str) -> tuple[str, dict[str, Any]]:
    """Why a Job failed, and what it counted."""
    with pytest.raises(Fault):
        client.wait_for_job("default", name, 30)
    live = client.get("Job", "default", name)
    return (condition(live, "Failed") or {})["reason"], counts(live)


def test_a_number_that_fails_too_often_is_given_up_and_the_others_go_on(client: Client) -> None:
    client.create(indexed("apart", "sys.exit(n == 1)", 3, backoffLimitPerIndex=1))
    found = failed(client, "apart")
    assert found == ("FailedIndexes", {"succeeded": 2, "failed": 2, "active": 0, "completedIndexes": "0,2", "failedIndexes": "1"})
    tries = [pod["metadata"]["annotations"][FAILURES] for pod in client.job_pods("default", "apart") if pod["spec"]["hostname"] == "apart-1"]
    assert tries == ["0", "1"]


def test_a_rule_gives_a_number_up_at_once(client: Client) -> None:
    rules = [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}}]
    client.create(indexed("once", "sys.exit(42 if n else 0)", 2, backoffLimitPerIndex=5, podFailurePolicy={"rules": rules}))
    assert failed(client, "once") == ("FailedIndexes", {"succeeded": 1, "failed": 1, "active": 0, "completedIndexes": "0", "failedIndexes": "1"})


def test_too_many_numbers_that_failed_end_the_job(client: Client) -> None:
    client.create(indexed("most", "sys.exit(1) if n < 2 else time.sleep(60)", 3, backoffLimitPerIndex=0, maxFailedIndexes=1))
    found = failed(client, "most")
    assert found == ("MaxFailedIndexesExceeded", {"succeeded": 0, "failed": 2, "active": 0, "completedIndexes": "", "failedIndexes": "0-1"})


@pytest.mark.parametrize("rule", [{"succeededCount": 1}, {"succeededIndexes": "1"}, {"succeededIndexes": "1-2", "succeededCount": 1}])
def test_a_job_is_done_when_enough_have_succeeded_and_the_others_are_told_to_stop(client: Client, tmp_path: Path, rule: dict[str, Any]) -> None:
    told = tmp_path / "told"
    code = f"import signal; signal.signal(signal.SIGTERM, lambda *_: (open({str(told)!r}, 'a').write(str(n)), sys.exit(143)))\nn == 1 or time.sleep(60)\n"
    # Number 1 waits until the others can be told.
    code = (
        f"open({str(tmp_path)!r} + f'/up{{n}}', 'w').close()\n"
        + code
        + f"while len([f for f in os.listdir({str(tmp_path)!r}) if f[:2] == 'up']) < 3: time.sleep(0.05)\ntime.sleep(0.3)"
    )
    client.create(indexed("first", code, 3, successPolicy={"rules": [rule]}))
    live = client.wait_for_job("default", "first", 30)
    assert counts(live) == {"succeeded": 1, "failed": 0, "active": 0, "completedIndexes": "1"}
    reasons = [((condition(live, kind) or {})["reason"], (condition(live, kind) or {})["message"]) for kind in ("SuccessCriteriaMet", "Complete")]
    assert reasons == [("SuccessPolicy", "Matched rules at index 0")] * 2 and sorted(told.read_text()) == ["0", "2"]


@pytest.mark.parametrize("name", ["$(JOB)-0.meet:5000", "$(JOB)-0.meet.default.svc.cluster.local:5000"])
def test_pods_behind_a_headless_service_find_each_other_by_name(client: Client, name: str) -> None:
    selector, port = {"app": "meet"}, {"name": "talk", "port": 5000, "targetPort": 5000}
    client.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "meet"}, "spec": {"clusterIP": "None", "selector": selector, "ports": [port]}})
    code = (
        "import socket; host, _, port = os.environ['THERE'].partition(':'); print(os.environ['THERE'])\n"
        "if n == 0:\n    s = socket.create_server((host, int(port))); c, _ = s.accept(); c.sendall(b'hello')\n"
        "else:\n    for _ in range(200):\n"
        "        try: c = socket.create_connection((host, int(port))); break\n        except OSError: time.sleep(0.05)\n"
        "    assert c.recv(5) == b'hello'"
    )
    field = {"name": "JOB", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}}
    wanted = indexed("pair", code, 2, backoffLimit=0)
    wanted["spec"]["template"]["metadata"] = {"labels": selector}
    wanted["spec"]["template"]["spec"]["subdomain"] = "meet"
    wanted["spec"]["template"]["spec"]["containers"][0] |= {"env": [field, {"name": "THERE", "value": name}], "ports": [{"containerPort": 5000}]}
    client.create(wanted)
    assert counts(client.wait_for_job("default", "pair", 30))["completedIndexes"] == "0-1"
    seen = {client.pod_logs("default", pod["metadata"]["name"]).strip() for pod in client.job_pods("default", "pair")}
    assert len(seen) == 1 and next(iter(seen)).startswith("127.0.0.1:")


INDEXED = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
END_INDEX = {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}
BOTH = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}, "onPodConditions": [{"type": "DisruptionTarget"}]}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "spec.successPolicy"),
        ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex"),
        ({**INDEXED, "maxFailedIndexes": 1}, "spec.backoffLimitPerIndex"),
        ({**INDEXED, "maxFailedIndexes": 3, "backoffLimitPerIndex": 1}, "spec.maxFailedIndexes"),
        ({**INDEXED, "successPolicy": {"rules": []}}, "spec.successPolicy.rules"),
        ({**INDEXED, "successPolicy": {"rules": [{}]}}, "spec.successPolicy.rules[0]"),
        ({**INDEXED, "successPolicy": {"rules": [{"succeededCount": 3}]}}, "spec.successPolicy.rules[0].succeededCount"),
        ({**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-2"}]}}, "spec.successPolicy.rules[0].succeededIndexes"),
        ({**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "a"}]}}, "spec.successPolicy.rules[0].succeededIndexes"),
        ({**INDEXED, "podFailurePolicy": {"rules": [END_INDEX]}}, "spec.podFailurePolicy.rules[0].action"),
        ({**INDEXED, "podFailurePolicy": {"rules": [BOTH]}}, "spec.podFailurePolicy.rules[0]"),
    ],
)
def test_what_a_cluster_refuses_is_refused_with_the_fields_name(spec: dict[str, Any], field: str) -> None:
    from infra.sandbox.kubernetes.status import ApiError
    from infra.sandbox.kubernetes.validation import validate

    with pytest.raises(ApiError) as problem:
        validate(job("wrong", "", **spec))
    assert [cause.field for cause in problem.value.causes] == [field]


def test_numbers_are_written_as_ranges_and_read_back() -> None:
    assert (ranges({0, 1, 2, 4, 7, 8}), parsed("0-2,4,7-8"), ranges(set())) == ("0-2,4,7-8", {0, 1, 2, 4, 7, 8}, "")
    for wrong in ("", "1-", "-1", "a", "1,,2"):
        with pytest.raises(ValueError, match="neither a number nor a range"):
            parsed(wrong)
