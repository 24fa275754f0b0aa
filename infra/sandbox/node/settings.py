"""Where a node keeps things, the networks it uses, and what must be there before it can start."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from falaj.errors import UsageError
from falaj.home import ROOT
from falaj.ports import base

TOOLS = ROOT / ".cache" / "tools"
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
PLUGINS = ("ptp", "host-local", "loopback", "portmap")
ADDONS = ("coredns", "metrics-server")
PROGRAMS = (
    *CONTROL_PLANE,
    "kubelet",
    "kube-proxy",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "pause",
    "files",
    "policies",
    *ADDONS,
    *(f"cni/{one}" for one in PLUGINS),
)
SYSTEM_PROGRAMS = {"unshare": "util-linux", "mount": "mount", "ip": "iproute2", "iptables": "iptables"}
"""Program of the system -> the Debian package that brings it."""
CGROUPS = Path("/sys/fs/cgroup")
NODE = "falaj-node"
DOMAIN = "cluster.local"
FILES_DRIVER = "efs.csi.aws.com"
"""The name of the driver of shared files, as `infra.config.naming` has it, which this folder may not ask."""
_FIRST_BLOCK, _BLOCKS = 201, 50
_LONGEST_SOCKET = 107
"""Bytes of a socket's path on Linux."""


@dataclass(frozen=True)
class Networks:
    """The addresses of one node: four neighbouring networks out of `10.N.0.0/22`."""

    number: int

    @property
    def whole(self) -> str:
        """What the machine sends to the node."""
        return f"10.{self.number}.0.0/22"

    @property
    def pods(self) -> str:
        return f"10.{self.number}.0.0/24"

    @property
    def services(self) -> str:
        return f"10.{self.number}.1.0/24"

    @property
    def api(self) -> str:
        """The Service `kubernetes`, by which pods reach the API."""
        return f"10.{self.number}.1.1"

    @property
    def dns(self) -> str:
        return f"10.{self.number}.1.10"

    @property
    def machine(self) -> str:
        """This machine, as the node sees it."""
        return f"10.{self.number}.2.1"

    @property
    def node(self) -> str:
        return f"10.{self.number}.2.2"


@dataclass(frozen=True)
class Settings:
    """Fixed for the life of one node."""

    folder: Path
    """Objects, images and logs, kept between starts."""
    networks: Networks

    @property
    def name(self) -> str:
        """What the machine calls the node's network link and its control group."""
        return f"falaj{self.networks.number}"

    @property
    def url(self) -> str:
        """The API's address, good on this machine and on the node."""
        return f"https://{self.networks.node}:6443"

    @property
    def certificates(self) -> Path:
        return self.folder / "certificates"

    @property
    def kubeconfig(self) -> Path:
        """The file with which a person, or a program, is the cluster's administrator."""
        return self.folder / "kubeconfig"

    @property
    def images(self) -> Path:
        """Image archives (OCI, `*.tar`) that are taken in at each start."""
        return self.folder / "images"

    @property
    def volumes(self) -> Path:
        """Links that say where the files of a shared volume lie on this machine: the volume's handle -> a folder."""
        return self.folder / "volumes"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


def settings_of(folder: Path) -> Settings:
    """The settings of a node that keeps its things in `folder`; its networks move with FALAJ_PORT_BASE, as ports do."""
    return Settings(folder.absolute(), Networks(_FIRST_BLOCK + base() // 100 % _BLOCKS))


def require(settings: Settings) -> None:
    """Raise UsageError, naming the first thing that keeps a node from starting on this machine."""
    _require_root()
    _require_programs()
    _require_short(settings.folder)
    _require_control_groups(settings)
    _require_networks(settings)


def _require_short(folder: Path) -> None:
    room = _LONGEST_SOCKET - len("/kubelet/plugins_registry/files.sock")
    if len(os.fsencode(folder)) > room:
        raise UsageError(
            "the path of the node's folder is too long",
            given=f"{folder}, {len(os.fsencode(folder))} bytes",
            allowed=f"{room} bytes",
            why="sockets lie in it, whose paths the kernel limits",
            next="set FALAJ_HOME to a folder with a shorter path",
        )


def _require_root() -> None:
    if os.geteuid() != 0:
        raise UsageError(
            "a real node needs root",
            given=f"user {os.geteuid()}",
            why="it mounts images, makes network links and limits what containers use",
            next="run the same command with sudo, or leave --kubernetes out: the process form needs no rights",
        )


def _require_programs() -> None:
    missing = [name for name in PROGRAMS if not os.access(TOOLS / name, os.X_OK)]
    if missing:
        raise UsageError(
            "programs of a real node are not built",
            given=f"{', '.join(missing)} missing from {TOOLS}",
            why="they are built from pinned sources, once",
            next="make node (needs Go, gcc and libseccomp-dev)",
        )
    packages = sorted({package for name, package in SYSTEM_PROGRAMS.items() if shutil.which(name) is None})
    if packages:
        raise UsageError("a real node needs programs of the system", given=f"missing: {', '.join(packages)}", next=f"apt-get install {' '.join(packages)}")


def control_groups(name: str) -> list[Path]:
    """The folder of the control group `name` in each hierarchy: one, or one per controller where the machine has the older layout."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / name]
    return sorted(path / name for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink() and (path / "cgroup.procs").exists())


def _require_control_groups(settings: Settings) -> None:
    found = control_groups(settings.name) if CGROUPS.is_dir() else []
    closed = [path.parent for path in found if not os.access(path.parent, os.W_OK)] or ([] if found else [CGROUPS])
    if closed:
        raise UsageError(
            "control groups cannot be made here",
            given=f"{', '.join(map(str, closed))} cannot be written",
            why="the memory and processor limits of containers are set there",
            next="run it on a machine, or in a container, whose /sys/fs/cgroup is writable",
        )


def _require_networks(settings: Settings) -> None:
    answer = subprocess.run(["ip", "-json", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    ours = ipaddress.ip_network(settings.networks.whole)
    for route in json.loads(answer or "[]"):
        place = route.get("dst", "")
        with_mask = "default" not in place and ":" not in place
        if with_mask and route.get("dev") != settings.name and (there := ipaddress.ip_network(place, strict=False)).prefixlen and there.overlaps(ours):
            raise UsageError(
                "the node's network is taken",
                given=f"{ours} overlaps {place} on {route.get('dev')}",
                why="pods and services get their addresses there",
                next="set FALAJ_PORT_BASE to another block of 100 ports: the network moves with it",
            )
