"""The commands of road B against a cluster that runs every stage in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.canonical import digest, digest_file
from falaj.errors import Denied, Drifted, Fault, Undecided, UsageError
from falaj.files import write_json
from falaj.home import runs_folder, volume_folder
from infra.audit import chain
from infra.cli import drift as drift_cli
from infra.cli import road
from infra.cli import run as run_cli
from infra.cli.rollback import rollback
from infra.cli.serve import serve
from tests.workloads.worlds import Live, load_words, measure_nothing, pairs, publish, serving
from workloads import register
from workloads.artifacts import begin, finish
from workloads.pipeline import Judgement
from workloads.serve.settings import Settings
from workloads.store import Store
from workloads.tracking import registry

WORK = "/var/lib/falaj/work"
JUDGE = road.judge
Objects = list[dict[str, Any]]
Words = list[str]


@dataclass
class Cluster:
    """The part of the cluster's client that the commands use; Jobs run when they are waited for."""

    store: Store
    live: Live
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: Words = field(default_factory=list)
    fails: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Stage -> exit code and last line of its log."""
    other_pods: tuple[str, ...] = ()
    """Ports of pods beside the live one."""

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        if kind == "Deployment":
            env = [{"name": "FALAJ_RELEASES", "value": self.store.uri}, {"name": "SECRET", "valueFrom": {}}]
            return {"spec": {"template": {"spec": {"containers": [{"env": env}]}}}}
        return self.jobs.get(name)

    def create_job_from_cronjob(self, namespace: str, cronjob: str, name: str, args: Words, env: dict[str, str]) -> None:
        self.made.append(name)
        self.jobs[name] = {"metadata": {"name": name}, "stage": cronjob, "args": args, "env": env}

    def wait_for_job(self, namespace: str, name: str, timeout: float, on_log: Callable[[str, str], None]) -> None:
        job = self.jobs[name]
        code, line = self.fails.get(job["stage"], (0, "working"))
        on_log("pod", line)
        job["code"] = code
        job["status"] = {"conditions": [{"type": "Failed" if code else "Complete", "status": "True"}]}
        if code:
            raise Fault(f"Job {name} failed")
        given = dict(zip(job["args"][::2], job["args"][1::2], strict=True))
        self._stage(job, runs_folder("local") / given["--run"])

    def job_pods(self, namespace: str, name: str) -> Objects:
        return [{"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": self.jobs[name]["code"]}}}]}}]

    def list(self, kind: str, namespace: str) -> Objects:
        if kind == "Pod":
            ports = [self.live.url.rpartition(":")[2], *self.other_pods]
            return [{"metadata": {"name": f"pod-{port}"}, "status": {"localPorts": {"8080": int(port)}}} for port in ports]
        return [*self.jobs.values()]

    def delete(self, kind: str, namespace: str, name: str) -> None:
        del self.jobs[name]

    def service_address(self, namespace: str, name: str) -> str:
        return self.live.url.removeprefix("http://")

    def _stage(self, job: dict[str, Any], run: Path) -> None:
        if job["stage"] == "register":
            register.main(run, measure=measure_nothing)
            return
        out = begin(run, job["stage"])
        if job["stage"] == "prepare":
            rows = [{"task": "language", "source": source, "target": target} for source, target in pairs(77, 260)]
            (out / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        if job["stage"] == "compress":
            (out / "int8").mkdir()
            (out / "int8/encoder.onnx").write_text("weights")
        if job["stage"] == "evaluate":
            write_json(out / "candidate.json", candidate(run))
        finish(out, "falaj.test/1", parameters={"args": job["args"]})


def candidate(run: Path) -> dict[str, Any]:
    return {
        "schema": "falaj.candidate/1",
        "run": run.name,
        "base_model": {"name": "seed", "licence": "Apache-2.0", "digest": "sha256:5"},
        "data": {"name": "debian", "digest": "sha256:6"},
        "recipe": {"name": "tiny"},
        "models": {"int8": {"format": "onnx", "files": {"compress/int8/encoder.onnx": digest_file(run / "compress/int8/encoder.onnx")}}},
        "evaluation": {
            "tasks": {"language": {"metric": "accuracy", "rows": 260}},
            "models": {"int8": {"language": {"accuracy": 0.7}}, "seed": {"language": {"accuracy": 0.0}}},
            "baselines": {"majority": {"language": {"accuracy": 0.35}}},
        },
    }


def allow(environment: str, run: Path) -> Judgement:
    found = json.loads((run / "evaluate/candidate.json").read_text())
    write_json(run / "decision.json", {"schema_": "falaj.decision/1", "kind": "release", "verdict": "allowed", "subject_digest": digest(found)})
    return Judgement("allowed")


@pytest.fixture
def cluster(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    store = Store.open(tmp_path / "releases")
    monkeypatch.setenv("FALAJ_RELEASES", store.uri)
    monkeypatch.delenv("FALAJ_SIGNING_KEY", raising=False)
    for name in road.HANDED_ON:
        monkeypatch.delenv(name, raising=False)
    requests = volume_folder("local", "inference", "requests")
    settings = Settings(releases=store.uri, requests=requests, poll_seconds=0.02, retry_seconds=0.05, cache=tmp_path / "cache")
    with serving(settings, load_words, ready=False) as live:
        found = Cluster(store, live)
        monkeypatch.setattr(road, "connect", lambda: found)
        monkeypatch.setattr(road, "use_local_cloud", lambda: None)
        monkeypatch.setattr(road, "judge", allow)
        monkeypatch.setattr(registry, "record", lambda candidate, release, uri: {})
        monkeypatch.setattr(registry, "_open_quietly", lambda: None)
        yield found


def test_a_run_ends_with_its_release_being_served_and_a_second_one_makes_nothing_again(cluster: Cluster) -> None:
    result = run_cli.run_road("local", recipe="tiny")
    stages = ("prepare", "train", "compress", "evaluate", "register")
    assert cluster.made == [f"{stage}-{result['run']}-1" for stage in stages]
    assert cluster.jobs[cluster.made[1]]["args"] == ["--run", result["run"], "--recipe", "tiny"]
    assert (result["status"], result["address"], result["reused"]) == ("done", cluster.live.url, [])
    assert cluster.live.client.get("/v1/release").json()["version"] == result["release"]
    assert result["scores"] == {"language": {"metric": "accuracy", "rows": 260, "int8": 0.7, "seed": 0.0, "majority": 0.35}}
    again = run_cli.run_road("local", recipe="tiny")
    assert (len(cluster.made), again["run"], again["release"], len(again["reused"])) == (5, result["run"], result["release"], 6)
    shown = run_cli.show(again)
    assert [line for line in shown.splitlines() if line.startswith("language")] == ["language  accuracy   260  0.700     0.350  0.000"]


def test_a_run_that_is_looked_at_on_the_way_has_no_release_yet(cluster: Cluster) -> None:
    result = run_cli.run_road("local", recipe="tiny", until="train")
    assert (result["status"], result["release"], result["address"], result["scores"]) == ("waiting", None, None, {})
    assert [line.split()[:2] for line in run_cli.show(result).splitlines()[4:10]] == [
        ["prepare", "done"], ["train", "done"], ["compress", "waiting"], ["evaluate", "waiting"], ["gate", "waiting"], ["register", "waiting"],
    ]  # fmt: skip
    assert run_cli.run_road("local", recipe="tiny")["reused"] == ["prepare", "train"]


def test_a_job_that_is_still_going_is_followed_and_not_made_twice(cluster: Cluster) -> None:
    cluster.jobs["prepare-demo-1"] = {"metadata": {"name": "prepare-demo-1"}, "stage": "prepare", "args": ["--run", "demo"], "env": {}}
    run_cli.run_road("local", run_id="demo")
    assert cluster.made[0] == "train-demo-1"


def test_a_stage_that_refuses_its_input_ends_the_run_with_that_refusal_and_its_last_words(cluster: Cluster) -> None:
    cluster.fails["prepare"] = (2, "the data file lacks the column target")
    with pytest.raises(UsageError, match="prepare failed") as caught:
        run_cli.run_road("local", run_id="demo")
    assert (caught.value.given, caught.value.why) == ("job prepare-demo-1, exit 2", "the data file lacks the column target")
    cluster.fails["prepare"] = (137, "killed")
    with pytest.raises(Fault, match="prepare failed"):
        run_cli.run_road("local", run_id="demo")
    cluster.fails.clear()
    assert run_cli.run_road("local", run_id="demo")["status"] == "done"
    assert cluster.made[:4] == ["prepare-demo-1", "prepare-demo-2", "prepare-demo-3", "train-demo-1"]


@pytest.mark.parametrize(("verdict", "error"), [("denied", Denied), ("undecided", Undecided)])
def test_what_the_gate_does_not_allow_ends_with_its_reasons_and_the_old_release_goes_on(
    verdict: Any, error: type[Exception], cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(cluster.store, tmp_path, "v1")
    monkeypatch.setattr(road, "judge", lambda environment, run: Judgement(verdict, ("compression_loss: language lost 3.1 %", "second")))
    with pytest.raises(error, match=f"the gate says {verdict} to run demo") as caught:
        run_cli.run_road("local", run_id="demo")
    assert "compression_loss: language lost 3.1 %" in str(caught.value)
    assert cluster.store.read_json("current.json")["version"] == "v1"
    assert not [name for name in cluster.made if name.startswith("register")]


def test_the_gate_sees_the_digests_of_the_files_and_keeps_what_it_was_given(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_POLICY_ENGINE", "regorus")
    run = runs_folder("local") / "demo"
    for stage in ("prepare", "train", "compress", "evaluate"):
        cluster._stage({"stage": stage, "args": []}, run)
    judgement = JUDGE("local", run)
    observed = json.loads((run / "observed.json").read_text())
    assert observed["compress/int8/encoder.onnx"] == digest_file(run / "compress/int8/encoder.onnx")
    decision = json.loads((run / "decision.json").read_text())
    assert (decision["kind"], decision["subject_digest"]) == ("release", digest(candidate(run)))
    assert decision["parameters_digest"] == digest(json.loads((run / "parameters.json").read_text()))
    assert judgement.verdict == decision["verdict"] != "allowed"
    assert judgement.reasons


def test_a_users_file_is_taken_into_the_volume_with_its_card_and_named_by_digest(cluster: Cluster, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("source,target\na,b\n")
    (tmp_path / "rows.csv.card.json").write_text('{"licence": "CC0-1.0"}')
    result = run_cli.run_road("local", data=data)
    path = Path(result["data"]["path"].replace(WORK, str(volume_folder("local", "training", "work"))))
    assert (path.read_text(), (path.parent / "rows.csv.card.json").exists()) == (data.read_text(), True)
    assert cluster.jobs[cluster.made[0]]["args"][-2:] == ["--data", result["data"]["path"]]
    data.write_text("source,target\na,c\n")
    assert run_cli.run_road("local", data=data)["run"] != result["run"]


@pytest.mark.parametrize("name", ["rows.xlsx", "missing.csv"])
def test_a_file_that_cannot_be_data_is_refused_before_anything_runs(name: str, cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "rows.xlsx").write_text("x")
    with pytest.raises(UsageError, match="the data file cannot be used"):
        run_cli.run_road("local", data=tmp_path / name)
    assert cluster.made == []


def test_the_commands_drive_local_only(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="falaj run drives the local environment only"):
        run_cli.run_road("prod")


def test_the_demonstration_alarms_on_shifted_traffic_alone_and_leaves_no_alarm_behind(cluster: Cluster) -> None:
    run_cli.run_road("local", run_id="demo")
    reports = drift_cli.demonstrate("local")
    assert {name: report["state"] for name, report in reports.items()} == {"clean": "ok", "shifted": "drift"}
    assert "DRIFT" in drift_cli.show_demo(reports)
    with pytest.raises(Undecided, match="there is too little data to tell"):
        CliRunner().invoke(drift_cli.drift, [], catch_exceptions=False, standalone_mode=False)


def test_drift_ends_in_its_exit_code_and_asks_for_a_run_that_keeps_the_cause(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    run_cli.run_road("local", run_id="demo")
    arabic = [drift_cli.to_arabic(source) for source, _ in pairs(1, 64)]
    for start in range(0, 64, 8):
        cluster.live.client.post("/generate", json={"texts": arabic[start : start + 8]})
    with pytest.raises(Drifted, match="live requests have drifted"):
        CliRunner().invoke(drift_cli.drift, ["--json"], catch_exceptions=False, standalone_mode=False)
    done = CliRunner().invoke(run_cli.run, ["--retrain", "--json"], catch_exceptions=False, standalone_mode=False)
    record = json.loads(done.stdout.partition("\n")[2])  # the stage's own line comes first, since it ran in this process
    assert (record["cause"]["kind"], record["run"] != "demo", record["release"] != "demo") == ("drift", True, True)
    assert json.loads((runs_folder("local") / record["run"] / "run.json").read_text())["cause"] == record["cause"]
    log = [(entry.action, entry.subject) for entry in chain.read(chain.audit_log("local"))]
    assert log == [("drift found", record["cause"]["release"]), ("released", record["release"])]
    # The new release has no requests yet, so nobody can say anything of it.
    with pytest.raises(Undecided):
        CliRunner().invoke(drift_cli.drift, [], catch_exceptions=False, standalone_mode=False)


def test_a_rollback_is_served(cluster: Cluster, tmp_path: Path) -> None:
    publish(cluster.store, tmp_path, "v1")
    publish(cluster.store, tmp_path, "v2")
    road.wait_until_served(cluster, "v2", lambda text: None)  # ty: ignore[invalid-argument-type]
    done = CliRunner().invoke(rollback, ["--json"], catch_exceptions=False, standalone_mode=False)
    assert json.loads(done.stdout) == {"release": "v1", "instead_of": "v2", "address": cluster.live.url}
    assert cluster.live.client.get("/v1/release").json()["version"] == "v1"
    assert [(entry.action, entry.subject, entry.details["instead_of"]) for entry in chain.read(chain.audit_log("local"))] == [("rolled back", "v1", "v2")]


def test_serving_by_hand_needs_a_free_port_and_a_key_to_trust(cluster: Cluster, tmp_path: Path) -> None:
    given = ["--releases", str(tmp_path / "releases"), "--port", cluster.live.url.rpartition(":")[2]]
    with pytest.raises(UsageError, match="is taken"):
        CliRunner().invoke(serve, given, catch_exceptions=False, standalone_mode=False)
    with pytest.raises(UsageError, match="there is no key to trust releases by"):
        CliRunner().invoke(serve, [*given[:2], "--port", "0"], catch_exceptions=False, standalone_mode=False)


def test_a_release_that_is_never_served_ends_with_the_servers_reason(cluster: Cluster, tmp_path: Path) -> None:
    publish(cluster.store, tmp_path, "v1")
    said: list[str] = []
    with pytest.raises(Fault, match="release v9 is not being served"):
        road.wait_until_served(cluster, "v9", said.append, seconds=1.0)  # ty: ignore[invalid-argument-type]
    assert said[-1] == "waiting for v9 to be served: still serving v1"


def test_a_release_counts_as_served_only_when_every_pod_serves_it(cluster: Cluster, tmp_path: Path) -> None:
    publish(cluster.store, tmp_path, "v1")
    other = Store.open(tmp_path / "other")
    publish(other, tmp_path / "other-scratch", "v0")
    with serving(Settings(releases=other.uri, requests=None, cache=tmp_path / "other-cache"), load_words) as behind:
        cluster.other_pods = (behind.url.rpartition(":")[2],)
        with pytest.raises(Fault, match="release v1 is not being served") as caught:
            road.wait_until_served(cluster, "v1", lambda text: None, seconds=1.0)  # ty: ignore[invalid-argument-type]
        assert caught.value.why == "still serving v0"


def test_stopping_a_run_ends_its_job(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Cluster, "wait_for_job", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_cli.run_road("local", run_id="demo")
    assert (cluster.made, cluster.jobs) == (["prepare-demo-1"], {})


def test_a_busy_server_is_asked_again_as_it_says(cluster: Cluster, tmp_path: Path) -> None:
    publish(cluster.store, tmp_path, "v1")
    road.wait_until_served(cluster, "v1", lambda text: None)  # ty: ignore[invalid-argument-type]
    admission = cluster.live.inference.service.admission
    entered, full = admission.enter, iter([True])
    admission.enter = lambda texts=1: not next(full, False) and entered(texts)
    sent: list[int] = []
    drift_cli.send(cluster.live.url, ["a"] * 9, sent.append)
    assert sent == [9]
