"""Client of the local cluster, and of any other that a kubeconfig names, for the command line and the Pulumi provider."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from falaj.errors import Fault
from infra.sandbox.kubernetes.conditions import condition, is_true
from infra.sandbox.kubernetes.controllers.deployment import rollout
from infra.sandbox.kubernetes.kinds import BY_KIND, JOB, POD, REPLICA_SET, SERVICE, Kind, Object, is_owned_by, name_of, namespace_of
from infra.sandbox.kubernetes.service import endpoint, token, token_file
from infra.sandbox.kubernetes.store import Objects

_POLL_SECONDS = 0.1
_STUCK_SECONDS = 15.0
"""A pod that cannot start (no such image, no room) for this long is reported rather than waited for."""
_LAST_LINES = 20
OnLog = Callable[[str, str], None]
"""Called as (pod, line) while a Job runs, from another thread."""


class ApiFailure(Fault):
    """The API refused a request: `code` is the HTTP status, `reason` a word such as NotFound, AlreadyExists, Conflict, Invalid."""

    def __init__(self, code: int, reason: str, message: str, *, given: str) -> None:
        nexts = {
            "Unauthorized": f"use the FALAJ_HOME of the daemon that listens there, or give its token ({token_file()})",
            "NotFound": "create it first: falaj up --env local",
            "Conflict": "read the object again and repeat the change",
        }
        super().__init__(message, given=given, next=nexts.get(reason))
        self.code, self.reason = code, reason


class NoAnswer(Fault):
    """Nobody answers at the address of the API, or the line was cut: what was asked may have been done."""


class Way(Protocol):
    """The way to a cluster's API; `kubeconfig.Reach` is another one than the process cluster's."""

    url: str

    @property
    def what(self) -> str: ...
    @property
    def next(self) -> str: ...
    @property
    def path(self) -> str: ...
    def line(self, timeout: float) -> http.client.HTTPConnection: ...
    def headers(self) -> dict[str, str]: ...


@dataclass
class _Loopback:
    url: str
    what: str = "the process cluster"
    next: str = "start it: falaj up --env local"
    path: str = ""

    def line(self, timeout: float) -> http.client.HTTPConnection:
        # http.client and not urllib: a proxy of the user's environment has no business between us and loopback.
        place = urlsplit(self.url)
        return http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=timeout)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token()}"}


class Client:
    """One cluster. Kinds are given by name (`Job`) or row; a failed request raises ApiFailure, no connection raises NoAnswer."""

    def __init__(self, url: str | None = None, way: Way | None = None) -> None:
        """`url` is a process cluster's, this home's own where left out; `way` leads to another cluster."""
        self.way: Way = way or _Loopback((url or endpoint()).rstrip("/"))
        self.url = self.way.url

    # objects

    def get(self, kind: str | Kind, namespace: str | None, name: str) -> Object:
        """The live object."""
        return self._json("GET", _row(kind).path(namespace, name))

    def find(self, kind: str | Kind, namespace: str | None, name: str) -> Object | None:
        """The live object, or None."""
        try:
            return self.get(kind, namespace, name)
        except ApiFailure as problem:
            if problem.reason == "NotFound":
                return None
            raise

    def list(self, kind: str | Kind, namespace: str | None = None, selector: str | None = None) -> Objects:
        """Objects of a kind, in one namespace or all; `selector` as in `kubectl -l`."""
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        return self._json("GET", _row(kind).path(namespace) + query)["items"]

    def create(self, thing: Object) -> Object:
        """Add an object."""
        return self._json("POST", _row(thing["kind"]).path(namespace_of(thing) or "default"), thing)

    def replace(self, thing: Object) -> Object:
        """Put an object in place of the live one; give its resourceVersion to be sure that nobody changed it meanwhile."""
        return self._json("PUT", _row(thing["kind"]).path(namespace_of(thing) or "default", name_of(thing)), thing)

    def patch(self, kind: str | Kind, namespace: str | None, name: str, patch: Object) -> Object:
        """Change fields of the live object (JSON merge patch)."""
        return self._json("PATCH", _row(kind).path(namespace, name), patch, content_type="application/merge-patch+json")

    def delete(self, kind: str | Kind, namespace: str | None, name: str, *, grace: int | None = None, wait: float = 0) -> None:
        """Delete an object; with `wait`, return when it is gone. Raises Fault when it is still there after `wait` seconds."""
        options = {"propagationPolicy": "Background"} | ({} if grace is None else {"gracePeriodSeconds": grace})
        uid = self.get(kind, namespace, name)["metadata"]["uid"]
        self._json("DELETE", _row(kind).path(namespace, name), options)
        limit = time.monotonic() + wait
        while wait and (live := self.find(kind, namespace, name)) and live["metadata"]["uid"] == uid:
            if time.monotonic() > limit:
                raise Fault(f"{_row(kind).kind} {name} is still there", given=f"waited {wait:.0f} s", next="look at its pods: falaj status")
            time.sleep(_POLL_SECONDS)

    # jobs

    def create_job_from_cronjob(self, namespace: str, cronjob: str, name: str, args: Sequence[str] | None = None, env: dict[str, str] | None = None) -> Object:
        """A Job of a CronJob's template, as `kubectl create job --from` makes one; `args` follow the template's, `env` overrides it.

        Raises ApiFailure: NotFound without such a CronJob, AlreadyExists when the Job was made before.
        """
        from infra.sandbox.kubernetes.controllers.cronjob import job_from

        job = job_from(self.get("CronJob", namespace, cronjob), name, annotations={"cronjob.kubernetes.io/instantiate": "manual"})
        for container in job["spec"]["template"]["spec"]["containers"]:
            container["args"] = [*(container.get("args") or []), *(args or [])]
            kept = [row for row in container.get("env") or [] if row["name"] not in (env or {})]
            container["env"] = [*kept, *({"name": key, "value": value} for key, value in (env or {}).items())]
        return self.create(job)

    def job_pods(self, namespace: str, name: str) -> Objects:
        """The pods of a Job, oldest first."""
        job = self.get(JOB, namespace, name)
        return sorted((pod for pod in self.list(POD, namespace) if is_owned_by(pod, job)), key=lambda pod: pod["metadata"]["creationTimestamp"])

    def wait_for_job(self, namespace: str, name: str, timeout: float, on_log: OnLog | None = None) -> Object:
        """Wait until a Job is complete and return it. Raises Fault with the last lines of its log when it fails, cannot start or takes longer."""
        limit, followed = time.monotonic() + timeout, dict[str, threading.Thread]()
        stuck_since: float | None = None
        while True:
            job, pods = self.get(JOB, namespace, name), self.job_pods(namespace, name)
            for pod in pods if on_log else []:
                if name_of(pod) not in followed and (pod.get("status") or {}).get("phase", "Pending") != "Pending":
                    thread = threading.Thread(target=self._follow, args=(namespace, name_of(pod), on_log), daemon=True)
                    followed[name_of(pod)] = thread
                    thread.start()
            done = is_true(job, "Complete")
            if done or is_true(job, "Failed"):
                for thread in followed.values():
                    thread.join(5)
                if done:
                    return job
                verdict = condition(job, "Failed") or {}
                raise self._job_fault(namespace, name, f"failed: {verdict.get('reason')}", verdict.get("message", ""), pods)
            why = next(filter(None, map(stuck, pods)), None) or _cannot_create(job)
            stuck_since = (stuck_since or time.monotonic()) if why else None
            if why and stuck_since and time.monotonic() - stuck_since > _STUCK_SECONDS:
                raise self._job_fault(namespace, name, "cannot start", why, pods)
            if time.monotonic() > limit:
                raise self._job_fault(namespace, name, f"is not done after {timeout:.0f} s", "", pods)
            time.sleep(_POLL_SECONDS)

    # pods and services

    def pod_logs(self, namespace: str, pod: str, container: str | None = None, *, tail: int | None = None, previous: bool = False) -> str:
        """The log of a pod so far."""
        return "".join(self._log(namespace, pod, container=container, tailLines=tail, previous="true" if previous else None))

    def follow_logs(self, namespace: str, pod: str, container: str | None = None) -> Iterator[str]:
        """Lines of a pod's log until it has ended."""
        rest = ""
        for piece in self._log(namespace, pod, container=container, follow="true"):
            *lines, rest = (rest + piece).split("\n")
            yield from lines
        if rest:
            yield rest

    def service_address(self, namespace: str, name: str, port: int | None = None) -> str:
        """`ADDRESS:PORT` of a Service as this machine reaches it, or of one of its ports. Raises Fault while it has none."""
        service = self.get(SERVICE, namespace, name)
        ports = (service.get("status") or {}).get("localPorts") or {}
        first = str(port if port is not None else (service["spec"].get("ports") or [{}])[0].get("port"))
        if service["spec"].get("clusterIP") not in (None, "None", "127.0.0.1"):
            return f"{service['spec']['clusterIP']}:{first}"
        listening = condition(service, "Listening")
        if first not in ports or (listening and listening["status"] == "False"):
            why = (listening or {}).get("message") or "the process cluster has not opened it yet"
            raise Fault(f"Service {namespace}/{name} has no address", why=why, next="stop what holds the port, or set FALAJ_PORT_BASE to another block")
        return f"127.0.0.1:{ports[first]}"

    def wait_for_service(self, namespace: str, name: str, timeout: float = 10.0) -> str:
        """The address of a Service as soon as it has one."""
        limit = time.monotonic() + timeout
        while True:
            try:
                return self.service_address(namespace, name)
            except Fault:
                if time.monotonic() > limit:
                    raise
                time.sleep(_POLL_SECONDS)

    def wait_for_rollout(self, namespace: str, name: str, timeout: float) -> Object:
        """Wait until a Deployment runs its present template everywhere. Raises Fault with the last lines of a pod's log when it does not."""
        limit = time.monotonic() + timeout
        while True:
            deployment = self.get("Deployment", namespace, name)
            complete, why = rollout(deployment)
            if complete:
                return deployment
            if why is None and time.monotonic() > limit:
                why = f"not complete after {timeout:.0f} s"
            if why is not None:
                status = deployment.get("status") or {}
                given = f"{status.get('availableReplicas', 0)} of {deployment['spec'].get('replicas', 1)} replicas available"
                pods = self._newest_pods(deployment)
                raise Fault(f"Deployment {namespace}/{name} did not roll out: {why}", given=given, why=self._trouble(namespace, pods), next="falaj status")
            time.sleep(_POLL_SECONDS)

    # inner

    def _newest_pods(self, deployment: Object) -> Objects:
        place = namespace_of(deployment)
        sets = [one for one in self.list(REPLICA_SET, place) if is_owned_by(one, deployment)]
        newest = max(sets, key=lambda one: one["metadata"]["creationTimestamp"], default=None)
        return [pod for pod in self.list(POD, place) if newest and is_owned_by(pod, newest)]

    def _trouble(self, namespace: str, pods: Objects) -> str | None:
        for pod in reversed(pods):
            why, log = stuck(pod), ""
            for previous in (False, True):  # a container that was just started again has said nothing yet
                with contextlib.suppress(Fault):
                    log = log or self.pod_logs(namespace, name_of(pod), tail=_LAST_LINES, previous=previous).strip()
            if why or log:
                return f"pod {name_of(pod)}: {why or 'last lines of its log'}" + (f"\n{log}" if log else "")
        return None

    def _job_fault(self, namespace: str, name: str, what: str, why: str, pods: Objects) -> Fault:
        text = "\n".join(filter(None, [why, self._trouble(namespace, pods)]))
        return Fault(f"Job {namespace}/{name} {what}", why=text or None, next="mend the cause and run the same command again")

    def _follow(self, namespace: str, pod: str, on_log: OnLog) -> None:
        try:
            for line in self.follow_logs(namespace, pod):
                on_log(pod, line)
        except (Fault, OSError, http.client.HTTPException):
            return  # the pod or the daemon went; whoever waits for the Job says why

    def _log(self, namespace: str, pod: str, **query: object) -> Iterator[str]:
        given = {key: value for key, value in query.items() if value is not None}
        line, answer = self._open("GET", f"{POD.path(namespace, pod)}/log?{urlencode(given)}", None, "")
        if query.get("follow") and line.sock:
            line.sock.settimeout(None)  # a stage may be silent for minutes; its end closes the line
        with closing(line):
            while piece := answer.read1(1 << 16):
                yield piece.decode(errors="replace")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The API's answer to a request of any kind, such as a review of rights."""
        return self._json(method, path, body)

    def _json(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Any:
        line, answer = self._open(method, path, body, content_type)
        with closing(line):
            return json.loads(answer.read())

    def _open(self, method: str, path: str, body: Any, content_type: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        line = self.way.line(timeout=60)
        try:
            data = None if body is None else json.dumps(body).encode()
            headers = self.way.headers() | ({"Content-Type": content_type} if data is not None else {})
            line.request(method, self.way.path + path, data, headers)
            answer = line.getresponse()
            if answer.status < 400:
                return line, answer
            refusal = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException) as problem:
            line.close()
            raise NoAnswer(
                f"{self.way.what} does not answer: {problem or type(problem).__name__}",
                given=f"{method} {self.url}{path}",
                next=self.way.next,
            ) from problem
        line.close()
        raise ApiFailure(answer.status, refusal.get("reason", ""), refusal.get("message", ""), given=f"{method} {path}")


def stuck(pod: Object) -> str | None:
    """Why a pod cannot start as things are (image, references, room on this machine), or None."""
    status = pod.get("status") or {}
    scheduled = condition(pod, "PodScheduled")
    if scheduled and scheduled["status"] == "False":
        return scheduled.get("message")
    for row in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = row["state"].get("waiting") or {}
        if waiting.get("reason") in ("ErrImagePull", "CreateContainerConfigError", "CreateContainerError"):
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return None


def _cannot_create(job: Object) -> str | None:
    return (condition(job, "ReplicaFailure") or {}).get("message") if is_true(job, "ReplicaFailure") else None


def _row(kind: str | Kind) -> Kind:
    return BY_KIND[kind] if isinstance(kind, str) else kind


def pod_addresses(pod: Object) -> Sequence[str]:
    """`ADDRESS:PORT` of each port of a pod as this machine reaches it; none before it has an address."""
    status = pod.get("status") or {}
    if "localPorts" in status:
        return [f"127.0.0.1:{port}" for port in status["localPorts"].values()]
    numbers = [port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or []]
    address = status.get("podIP")
    return [f"{address}:{number}" for number in numbers] if address and address != "127.0.0.1" else []
