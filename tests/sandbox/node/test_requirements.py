"""What keeps a node from starting is said before anything is made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from falaj.errors import UsageError
from infra.sandbox.node import settings
from infra.sandbox.node.settings import PROGRAMS, Settings, control_groups, require, settings_of

ROUTES = [{"dst": "default", "dev": "eth0"}, {"dst": "192.0.2.0/24", "dev": "eth0"}, {"dst": "fe80::/64", "dev": "eth0"}]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A machine that has all that a node needs."""
    monkeypatch.setenv("FALAJ_PORT_BASE", "14500")
    monkeypatch.setattr(settings.os, "geteuid", lambda: 0)
    tools, groups = tmp_path / "tools", tmp_path / "cgroup"
    for name in PROGRAMS:
        (tools / name).parent.mkdir(parents=True, exist_ok=True)
        (tools / name).touch(mode=0o755)
    for name in ("memory", "cpu"):
        (groups / name).mkdir(parents=True)
        (groups / name / "cgroup.procs").touch()
    monkeypatch.setattr(settings, "TOOLS", tools)
    monkeypatch.setattr(settings, "CGROUPS", groups)
    monkeypatch.setattr(settings.shutil, "which", lambda name: f"/usr/bin/{name}")
    routed(monkeypatch, ROUTES)
    return settings_of(Path("/node"))  # a test's own folder may have too long a path


def routed(monkeypatch: pytest.MonkeyPatch, routes: list[dict[str, str]]) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=json.dumps(routes)))


def refusal(node: Settings) -> tuple[str, str | None, str | None]:
    with pytest.raises(UsageError) as caught:
        require(node)
    return caught.value.what, caught.value.given, caught.value.next


def test_a_machine_that_has_all_of_it_is_taken(node: Settings) -> None:
    require(node)


def test_whoever_is_not_root_is_told_of_the_form_that_needs_no_rights(node: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.os, "geteuid", lambda: 1000)
    allowed = "run the same command with sudo, or leave --kubernetes out: the process form needs no rights"
    assert refusal(node) == ("a real node needs root", "user 1000", allowed)


def test_what_is_not_built_is_named_with_the_target_that_builds_it(node: Settings) -> None:
    (settings.TOOLS / "kubelet").unlink()
    (settings.TOOLS / "cni/ptp").unlink()
    given = f"kubelet, cni/ptp missing from {settings.TOOLS}"
    assert refusal(node) == ("programs of a real node are not built", given, "make node (needs Go, gcc and libseccomp-dev)")


def test_what_the_system_lacks_is_named_by_its_package(node: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.shutil, "which", lambda name: None if name in ("ip", "iptables") else name)
    assert refusal(node) == ("a real node needs programs of the system", "missing: iproute2, iptables", "apt-get install iproute2 iptables")


def test_control_groups_that_cannot_be_written_are_refused(node: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = settings.os.access
    monkeypatch.setattr(settings.os, "access", lambda path, mode: path != settings.CGROUPS / "memory" and reach(path, mode))
    what, given, _ = refusal(node)
    assert (what, given) == ("control groups cannot be made here", f"{settings.CGROUPS / 'memory'} cannot be written")


@pytest.mark.parametrize("taken", ["10.246.1.0/24", "10.0.0.0/8", "10.246.2.1"])
def test_a_network_that_is_in_use_is_refused(node: Settings, monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    routed(monkeypatch, [*ROUTES, {"dst": taken, "dev": "vpn0"}])
    allowed = "set FALAJ_PORT_BASE to another block of 100 ports: the network moves with it"
    assert refusal(node) == ("the node's network is taken", f"10.246.0.0/22 overlaps {taken} on vpn0", allowed)


def test_the_network_moves_with_the_ports(node: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_PORT_BASE", "14600")
    assert {settings_of(tmp_path).networks.whole, node.networks.whole} == {"10.247.0.0/22", "10.246.0.0/22"}


def test_there_is_one_control_group_where_the_machine_has_one_hierarchy(node: Settings) -> None:
    assert control_groups("x") == [settings.CGROUPS / "cpu/x", settings.CGROUPS / "memory/x"]
    (settings.CGROUPS / "cgroup.controllers").touch()
    assert control_groups("x") == [settings.CGROUPS / "x"]


def test_a_folder_whose_path_has_no_room_for_sockets_is_refused(node: Settings) -> None:
    folder = Path("/" + "x" * 71)
    assert refusal(Settings(folder, node.networks)) == (
        "the path of the node's folder is too long",
        f"{folder}, 72 bytes",
        "set FALAJ_HOME to a folder with a shorter path",
    )
