"""The API without its transport: errors as Kubernetes words them, validation, concurrency, selectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falaj.quantity import quantity
from infra.sandbox.kubernetes.admission import admit
from infra.sandbox.kubernetes.api import Api
from infra.sandbox.kubernetes.kinds import Object
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.volumes import relocate
from tests.sandbox.kubernetes.conftest import job
from tests.sandbox.kubernetes.test_deployments import service, web

MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"


class Asking:
    """An API over an empty store with a namespace."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder, admit=lambda thing: admit(thing, self.store.list))
        self.store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        self.api = Api(self.store)

    def __call__(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, kind: str = "application/json") -> Object:
        return self.api.answer(method, path, query or {}, json.loads(json.dumps(body)), kind)[1]

    def refusal(self, *request: Any, **more: Any) -> ApiError:
        with pytest.raises(ApiError) as problem:
            self(*request, **more)
        return problem.value


@pytest.fixture
def ask(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


def config_map(name: str = "a", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": data}


def test_a_refusal_is_a_status_object(ask: Asking) -> None:
    assert ask.refusal("GET", f"{MAPS}/nobody").status() == {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "nobody" not found',
        "reason": "NotFound",
        "details": {"name": "nobody", "group": "", "kind": "configmaps"},
        "code": 404,
    }


def test_a_name_is_taken_once(ask: Asking) -> None:
    ask("POST", MAPS, config_map())
    found = ask.refusal("POST", MAPS, config_map())
    assert (found.code, found.reason) == (409, "AlreadyExists")


def test_a_stale_version_is_a_conflict_and_the_present_one_is_not(ask: Asking) -> None:
    made = ask("POST", MAPS, config_map(x="1"))
    ask("PATCH", f"{MAPS}/a", {"data": {"x": "2"}}, kind=MERGE)
    assert ask.refusal("PUT", f"{MAPS}/a", {**made, "data": {"x": "3"}}).reason == "Conflict"
    live = ask("GET", f"{MAPS}/a")
    changed = ask("PUT", f"{MAPS}/a", {**live, "data": {"x": "3"}})
    assert (changed["data"], changed["metadata"]["generation"], changed["metadata"]["uid"]) == ({"x": "3"}, 3, made["metadata"]["uid"])


def test_a_kind_that_is_not_there_is_refused_with_the_list_of_those_that_are(ask: Asking) -> None:
    for request in (("GET", "/apis/apps/v1/daemonsets"), ("POST", "/apis/apps/v1/namespaces/default/statefulsets", {})):
        found = ask.refusal(*request)
        assert found.code == 404 and "apps/v1/Deployment, " in found.message
    assert "no apps/v1/DaemonSet" in ask.refusal("POST", MAPS, {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x"}}).message


def test_a_namespace_must_exist_and_a_going_one_takes_nothing_new(ask: Asking) -> None:
    assert ask.refusal("POST", "/api/v1/namespaces/other/configmaps", config_map()).message == 'namespaces "other" not found'
    ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    ask("POST", "/api/v1/namespaces/other/configmaps", config_map())
    ask("DELETE", "/api/v1/namespaces/other")
    assert "is being terminated" in ask.refusal("POST", "/api/v1/namespaces/other/configmaps", config_map("b")).message


def test_a_path_and_its_body_must_agree(ask: Asking) -> None:
    assert ask.refusal("POST", MAPS, service()).code == 400
    assert ask.refusal("PUT", f"{MAPS}/b", config_map("a")).code == 400
    assert ask.refusal("POST", MAPS, ["no object"]).code == 400
    assert ask.refusal("PATCH", f"{MAPS}/a", [], kind="application/json-patch+json").code == 415
    assert ask.refusal("PUT", MAPS, config_map()).code == 405


def test_what_a_request_asks_for_and_does_not_get_is_refused(ask: Asking) -> None:
    assert ask.refusal("POST", MAPS, config_map(), {"dryRun": "All"}).code == 400 and ask("GET", MAPS)["items"] == []
    assert ask.refusal("GET", MAPS, None, {"watch": "true"}).code == 400


def test_status_has_its_own_path(ask: Asking) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    made = ask("POST", path, {**job("a", ""), "status": {"succeeded": 9}})
    assert "status" not in made
    ask("PUT", f"{path}/a/status", {**made, "status": {"succeeded": 1}, "spec": {**made["spec"], "suspend": True}})
    live = ask("GET", f"{path}/a")
    assert (live["status"], live["spec"].get("suspend"), live["metadata"]["generation"]) == ({"succeeded": 1}, None, 1)


def test_a_deployment_is_scaled_by_its_own_path(ask: Asking) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    ask("POST", path, web(replicas=1))
    assert ask("PATCH", f"{path}/web/scale", {"spec": {"replicas": 3}}, kind=MERGE)["spec"] == {"replicas": 3}
    assert ask("GET", f"{path}/web")["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("selector", "names"),
    [("app=a", "a"), ("app!=a", "bc"), ("app in (a,b)", "ab"), ("app notin (a, b)", "c"), ("app", "abc"), ("!app", ""), ("app=a,app!=a", "")],
)
def test_a_label_selector_chooses(ask: Asking, selector: str, names: str) -> None:
    for name in "abc":
        ask("POST", MAPS, config_map(name))
    found = ask("GET", MAPS, query={"labelSelector": selector})["items"]
    assert "".join(thing["metadata"]["name"] for thing in found) == names


def test_apply_makes_and_merges(ask: Asking) -> None:
    apply = "application/apply-patch+yaml"
    ask("PATCH", f"{MAPS}/a", config_map(x="1"), kind=apply)
    assert ask("PATCH", f"{MAPS}/a", config_map(y="2"), kind=apply)["data"] == {"x": "1", "y": "2"}


def test_a_secret_keeps_text_as_data_and_its_file_is_readable_by_its_owner_alone(ask: Asking, tmp_path: Path) -> None:
    made = ask("POST", "/api/v1/namespaces/default/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}})
    assert (made["data"], "stringData" in made) == ({"a": "Yg=="}, False)
    (path,) = (tmp_path / "objects" / "secrets").rglob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600


def broken(path: str, value: Any, thing: Object) -> Object:
    """`thing` with one field changed; None takes it away."""
    found = json.loads(json.dumps(thing))
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    here = found
    for step in steps:
        here = here[step]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return found


JOB = job("j", "")
BOX = "spec.template.spec.containers.0"


@pytest.mark.parametrize(
    ("thing", "field", "value", "cause"),
    [
        (JOB, "metadata.name", "Not_A_Name", "metadata.name"),
        (JOB, "metadata.labels", {"a": "not a value!"}, "metadata.labels"),
        (JOB, "metadata.finalizers", ["x/y"], "metadata.finalizers"),
        (JOB, "spec.template.spec.restartPolicy", "Always", "spec.template.spec.restartPolicy"),
        (JOB, "spec.template.spec.restartPolicy", None, "spec.template.spec.restartPolicy"),
        (JOB, "spec.completionMode", "Indexed", "spec.completions"),
        (JOB, "spec.backoffLimit", -1, "spec.backoffLimit"),
        (JOB, "spec.backoffLimit", "three", "spec.backoffLimit"),
        (JOB, "spec.backoffLimitPerIndex", 1, "spec.backoffLimitPerIndex"),
        (JOB, f"{BOX}.image", "", "spec.template.spec.containers[0].image"),
        (JOB, f"{BOX}.env", [{"name": "A", "value": 1}], "spec.template.spec.containers[0].env[0].value"),
        (JOB, f"{BOX}.volumeMounts", [{"name": "x", "mountPath": "/x"}], "spec.template.spec.containers[0].volumeMounts[0].name"),
        (JOB, f"{BOX}.resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}, "spec.template.spec.containers[0].resources.requests"),
        (JOB, "spec.template.spec.volumes", [{"name": "x", "hostPath": {"path": "/"}}], "spec.template.spec.volumes[0]"),
        (web(), "spec.selector", {"matchLabels": {"app": "other"}}, "spec.template.metadata.labels"),
        (web(), "spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}, "spec.strategy.rollingUpdate.maxUnavailable"),
        (web(), f"{BOX}.readinessProbe", {"grpc": {"port": 1}}, "spec.template.spec.containers[0].readinessProbe"),
        (web(), f"{BOX}.readinessProbe", {}, None),
        (service(), "spec.ports", [{"port": 0}], "spec.ports[0].port"),
        (service(), "metadata.name", "9web", "metadata.name"),
    ],
)
def test_a_wrong_field_is_named(ask: Asking, thing: Object, field: str, value: Any, cause: str | None) -> None:
    plural = {"Job": "/apis/batch/v1/namespaces/default/jobs", "Deployment": "/apis/apps/v1/namespaces/default/deployments"}
    path = plural.get(thing["kind"], "/api/v1/namespaces/default/services")
    if cause is None:
        ask("POST", path, broken(field, value, thing))
        return
    found = ask.refusal("POST", path, broken(field, value, thing))
    assert (found.code, found.reason, [one.field for one in found.causes]) == (422, "Invalid", [cause])


def test_an_immutable_field_stays(ask: Asking) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    made = ask("POST", path, JOB)
    assert [one.field for one in ask.refusal("PUT", f"{path}/j", broken(f"{BOX}.image", "other", made)).causes] == ["spec.template"]
    ask("POST", MAPS, {**config_map(x="1"), "immutable": True})
    assert ask.refusal("PATCH", f"{MAPS}/a", {"data": {"x": "2"}}, kind=MERGE).code == 422


def test_a_limit_range_fills_in_and_bounds(ask: Asking) -> None:
    limits = [{"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"memory": "512Mi"}, "max": {"memory": "2Gi"}}]
    ask("POST", "/api/v1/namespaces/default/limitranges", {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": limits}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    path = "/api/v1/namespaces/default/pods"
    made = ask("POST", path, pod)
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}}
    big = broken("spec.containers.0.resources", {"limits": {"memory": "3Gi"}}, {**pod, "metadata": {"name": "q"}})
    assert "maximum memory usage per Container is 2Gi" in ask.refusal("POST", path, big).message


@pytest.mark.parametrize(("text", "number"), [("500m", "0.5"), ("2Gi", str(2 << 30)), ("1e3", "1000"), ("1.5k", "1500"), ("3", "3"), ("0.1", "0.1")])
def test_a_quantity_is_a_number(text: str, number: str) -> None:
    assert float(quantity(text)) == float(number)


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "1GiB", "0x10", "1e"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        quantity(text)


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("/data", "/real/w"),
        ("/data/", "/real/w/"),
        ("/data/runs/1", "/real/w/runs/1"),
        ("--out=/data/x", "--out=/real/w/x"),
        ("sqlite:////data/m.db", "sqlite:////real/w/m.db"),
        ("file:///data/m", "file:///real/w/m"),
        ("/a:/data:/b", "/a:/real/w:/b"),
        ("/data/deep/x", "/real/d/x"),
        ("s3://data/x", "s3://data/x"),
        ("s3://bucket/data/x", "s3://bucket/data/x"),
        ("/datashop", "/datashop"),
        ("/home/data", "/home/data"),
        ("the /data folder", "the /real/w folder"),
    ],
)
def test_a_mounted_path_is_replaced_where_it_is_a_path_of_its_own(text: str, real: str) -> None:
    assert relocate(text, {"/data/deep": Path("/real/d"), "/data": Path("/real/w")}) == real
