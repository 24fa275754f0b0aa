"""A real node, and small things to run on it: containers of one static program that does what it is told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from falaj.home import ROOT
from infra.cli.node_images import lay
from infra.config.load import load_environment
from infra.config.naming import registry
from infra.sandbox.node.images import write_image
from infra.sandbox.node.settings import CONTROL_PLANE, PROGRAMS, SYSTEM_PROGRAMS, TOOLS, settings_of
from tests.cluster.asked import Asked

MISSING = "needs root and the programs of a node under .cache/tools (make node)"
IMAGE = "localhost/falaj-small:1"
IMAGES = Path(os.environ.get("FALAJ_IMAGES") or ROOT / ".cache/images/out")
"""Where `tools/image.sh` left our own images."""
PLACE = "try"
"""The namespace of all tests, where restricted pods alone are taken."""


def is_possible() -> bool:
    return os.geteuid() == 0 and all(os.access(TOOLS / name, os.X_OK) for name in (*PROGRAMS, "small")) and all(map(shutil.which, SYSTEM_PROGRAMS))


def has_image(name: str) -> bool:
    """Whether our own image `serve` or `train` was built here."""
    return (IMAGES / f"{name}.oci.tar").exists()


def digest_of(name: str) -> str:
    """The digest under which config names an image that was built here."""
    return (IMAGES / f"{name}.digest").read_text().strip()


def put_images(folder: Path) -> None:
    """Lay the image of the small program, and our own images where they are at hand, where a node takes images in when it starts."""
    place = settings_of(folder).images
    write_image(place / "small.tar", IMAGE, {"small": TOOLS / "small"}, entry=["/small"])
    for name in filter(has_image, ("serve", "train")):
        lay(IMAGES / f"{name}.oci.tar", place / f"falaj-{name}.tar", f"{registry(load_environment('local').workloads)}/falaj-{name}")


class Live(Asked):
    """The cluster of a real node."""

    def container(self, *args: str, **more: Any) -> dict[str, Any]:
        """The small program told `args`, held to 32 MiB."""
        return {
            "name": "main",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "args": list(args),
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **more,
        }

    def server(self, name: str, *, replicas: int = 1, grace: int = 10, **container: Any) -> None:
        """A Deployment of servers that start, live and are ready by probes, behind a Service of its name; no replica goes before the next is ready."""
        probe = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 2}
        probes: dict[str, Any] = {
            "startupProbe": {**probe, "httpGet": {"path": "/started", "port": 8080}, "failureThreshold": 60},
            "livenessProbe": {**probe, "httpGet": {"path": "/alive", "port": 8080}},
            "readinessProbe": {**probe, "httpGet": {"path": "/ready", "port": 8080}},
        }
        pod = {"terminationGracePeriodSeconds": grace, "containers": [self.container("serve", **{**probes, **container})]}
        selector = {"app": name}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": selector}, "spec": pod},
        }
        self.make({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": PLACE}, "spec": spec})
        service = {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}
        self.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": PLACE}, "spec": service})

    def job(self, name: str, args: Sequence[str], *, subdomain: str = "", **spec: Any) -> None:
        """A Job of the small program told `args`."""
        pod = {"restartPolicy": "Never", "containers": [self.container(*args)], **({"subdomain": subdomain} if subdomain else {})}
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        body = {"backoffLimit": 0, "template": template, **spec}
        self.make({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": PLACE}, "spec": body})

    def deployment(self, name: str, namespace: str = PLACE) -> dict[str, Any]:
        return self.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")

    def available(self, name: str, replicas: int, namespace: str = PLACE) -> list[dict[str, Any]]:
        """The pods of a Deployment once exactly so many are available, all of its newest template."""

        def is_so(found: dict[str, Any]) -> bool:
            status = found["status"]
            counts = {status.get(each, 0) for each in ("replicas", "updatedReplicas", "availableReplicas")}
            return counts == {replicas} and status.get("observedGeneration") == found["metadata"]["generation"]

        selector = self.until(lambda: self.deployment(name, namespace), is_so)["spec"]["selector"]["matchLabels"]
        words = ",".join(f"{key}={value}" for key, value in selector.items())
        return list(self.until(lambda: self.pods(namespace, words), lambda pods: len(pods) == replicas).values())

    def finished(self, name: str) -> dict[str, Any]:
        """The status of a Job that has come to its end."""
        path = f"/apis/batch/v1/namespaces/{PLACE}/jobs/{name}"
        ends = ("Complete", "Failed")
        return self.until(lambda: self.get(path)["status"], lambda status: any(each["type"] in ends for each in status.get("conditions", [])))

    def logs(self, app: str) -> dict[str, str]:
        """What each pod of an app has said, by name; those that are going too."""
        pods = self.get(f"/api/v1/namespaces/{PLACE}/pods?labelSelector=app={app}")["items"]
        return {pod["metadata"]["name"]: self.log(pod["metadata"]["name"]) for pod in pods}

    def log(self, pod: str, *, follow: bool = False) -> str:
        """What a pod has said, or will have said at its end."""
        status, text = self.send("GET", f"/api/v1/namespaces/{PLACE}/pods/{pod}/log?follow={str(follow).lower()}")
        return text if status == 200 and isinstance(text, str) else ""

    def address(self, service: str, namespace: str = PLACE) -> str:
        """Where this machine reaches a Service: by its own address, through kube-proxy."""
        spec = self.get(f"/api/v1/namespaces/{namespace}/services/{service}")["spec"]
        return f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}"

    def evict(self, pod: dict[str, Any]) -> int:
        """Ask as a drain does; returns the code."""
        metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
        return self.send("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})[0]

    def remove(self, *paths: str) -> None:
        """Delete what is at these paths and there, and wait until no pod is left of it."""
        for path in paths:
            status, answer = self.send("DELETE", f"{path}?propagationPolicy=Background")
            assert status in (200, 202, 404), answer
        self.until(lambda: self.get(f"/api/v1/namespaces/{PLACE}/pods")["items"], lambda pods: not pods)


def ask(url: str, *, data: bytes | None = None, timeout: float = 10.0) -> tuple[int, str]:
    """One request past every proxy: the code and the text."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, data=data, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def traces() -> dict[str, list[str]]:
    """What a node could leave on this machine: mounts, network links and routes, rules of the packet filter, control groups, processes."""

    def said(*command: str) -> list[str]:
        return sorted(line.strip() for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())

    # Others mount things too, such as roots of images that are being built; a node's are of these kinds and places.
    own = re.compile(r"falaj|kubelet|containerd|netns|^\S+ \S+ \S+ \S+ /(run|etc|opt|var/lib|var/log|proc/sys/\S+) ")
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if own.search(line) and "/images/graph" not in line]
    programs = {Path(name).name for name in PROGRAMS} - set(CONTROL_PLANE)  # other tests have control planes too
    return {
        "mounts": sorted(mounts),
        "links": [line.split(":")[1].strip() for line in said("ip", "-oneline", "link")],
        "routes": said("ip", "route", "show", "table", "all"),
        "rules": [line for line in said("iptables-save") if not line.startswith("#")],
        "control groups": sorted(str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir() and "falaj" in path.name),
        "processes": sorted(name for name in _programs() if name in programs),
        "folders": sorted(str(path) for root in ("/var/lib", "/var/log", "/opt", "/run", "/etc") for path in Path(root).iterdir()),
        "kernel": [Path("/proc/sys", each).read_text() for each in ("vm/overcommit_memory", "kernel/panic", "net/ipv4/ip_forward")],
    }


def _programs() -> list[str]:
    import psutil

    return [Path(each.info["exe"]).name for each in psutil.process_iter(["exe"]) if each.info["exe"]]
