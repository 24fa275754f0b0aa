"""The first process of a node: it prepares the namespaces that it was started in, starts the programs, and ends with all of them.

Run by `infra.sandbox.node.server` below `unshare`. What is mounted, linked or started here is the kernel's to clear away as soon
as this process ends, however it ends. It goes on until its standard input closes or a program of the node dies.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from falaj.errors import FalajError, Fault
from falaj.home import home
from infra.sandbox.node import configs
from infra.sandbox.node.api import Api
from infra.sandbox.node.commands import do
from infra.sandbox.node.policies import hold_pods
from infra.sandbox.node.settings import NODE, TOOLS, Settings, control_groups, settings_of

STARTED = b"started\n"
"""Said on standard output once every program runs."""
REPOSITORY = ".repository"
"""End of the name of a file beside an image archive."""
_PATIENCE_SECONDS = 240.0
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.1
_OWN_LAYER = ("etc", "var/lib", "var/log", "opt")
"""Folders of the machine that are read as they are; what programs write into them goes to a layer of the node's own."""
_KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""Settings of the whole machine that a kubelet would change; it is shown a file that says what it wants to read."""


class Node:
    """The programs of one node, by name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}

    def start(self, name: str, flags: configs.Flags) -> None:
        """Start a program; its log lies with the others."""
        command = [str(TOOLS / name), *(f"--{flag}={value}" for flag, value in flags.items())]
        with (self.settings.logs / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.settings.folder)
        self.running[child.pid] = (name, child)

    def start_all(self) -> None:
        """Start everything in order. Raises Fault when a part does not come up."""
        settings = self.settings
        self.start("containerd", configs.containerd(settings))
        self.start("etcd", configs.etcd(settings))
        self.start("kube-apiserver", configs.api_server(settings))
        self.until(configs.CONTAINERD.exists, "containerd")
        self.take_in_images()
        api = Api.of(settings.kubeconfig)
        self.until(lambda: api.send("GET", "/readyz")[0] == 200, "the API server")
        self.start("kube-controller-manager", configs.controller_manager(settings))
        self.start("kube-scheduler", configs.scheduler(settings))
        hold_pods(settings)
        self.start("policies", configs.policies(settings))
        self.start("files", configs.files(settings))
        self.start("kubelet", configs.kubelet(settings))
        self.start("kube-proxy", configs.proxy(settings))

    def take_in_images(self) -> None:
        """Give containerd every image archive of the node's folder; what it has already is nothing to do.

        An archive's name is what is in it, or `REPOSITORY@DIGEST` where a file beside it says the repository.
        """
        for archive in sorted(self.settings.images.glob("*.tar")):
            repository = archive.with_suffix(REPOSITORY)
            named = ["--base-name", repository.read_text().strip(), "--digests"] if repository.exists() else []
            # The archive stays: containerd need not keep its layers packed too, which is gigabytes for the training image.
            words = ("images", "import", "--local", "--discard-unpacked-layers", *named, str(archive))
            command = [str(TOOLS / "ctr"), "--address", str(configs.CONTAINERD), "--namespace", "k8s.io", *words]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Fault(
                    "an image cannot be taken in", given=str(archive), why=done.stderr.strip()[-400:], next="make it again, or take it out of that folder"
                )

    def until(self, good: Callable[[], bool], what: str) -> None:
        """Wait until `good`. Raises Fault when a program ends meanwhile, or after minutes."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                if good():
                    return
            except OSError:
                pass
            self.require_all()
            if _is_told():
                raise Fault("the node was told to end before it was up")
            if time.monotonic() > end:
                raise Fault(f"{what} did not come up", given=f"waited {_PATIENCE_SECONDS:.0f} s", next=f"read the logs in {self.settings.logs}")
            time.sleep(_POLL_SECONDS)

    def require_all(self) -> None:
        """Raise Fault when a program has ended. Buries what pods leave behind, as the first process must."""
        while pid := _buried():
            if pid in self.running:
                name, _ = self.running.pop(pid)
                log = self.settings.logs / f"{name}.log"
                raise Fault(
                    f"{name} has ended", given=str(log), why=log.read_text(errors="replace")[-600:].strip() or None, next="read that log; falaj up again"
                )

    def stop(self) -> None:
        """End the kubelet first, so that it starts nothing anew, then containers, then the rest; the store last."""
        for names in (("kubelet", "files", "policies", "kube-proxy", "kube-scheduler", "kube-controller-manager"), ("kube-apiserver",), ("etcd",)):
            if names == ("kube-apiserver",):
                _end_containers(self.settings)
            self._end(names)
        _kill_everything()
        remove_control_groups(self.settings)

    def _end(self, names: tuple[str, ...]) -> None:
        found = [pid for pid, (name, _) in self.running.items() if name in names]
        for pid in found:
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + _GRACE_SECONDS
        while found and time.monotonic() < end:
            if pid := _buried():
                self.running.pop(pid, None)
                found = [each for each in found if each != pid]
            else:
                time.sleep(_POLL_SECONDS)


def prepare(settings: Settings) -> None:
    """Make this process's mounts the node's own: nothing that is written or mounted from here on is seen outside.

    The control group is the one thing that the kernel does not clear away by itself.
    """
    for group in control_groups(settings.name):
        group.mkdir(exist_ok=True)
    kept = Path("/run/falaj")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    kept.mkdir()
    ours = sorted({home(), settings.folder})
    for number, path in enumerate(ours):
        (kept / str(number)).mkdir()
        _mount("--rbind", str(path), str(kept / str(number)))
    for name in _OWN_LAYER:
        upper, work = kept / "layers" / name / "upper", kept / "layers" / name / "work"
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        _mount("-t", "overlay", "-o", f"lowerdir=/{name},upperdir={upper},workdir={work}", "overlay", f"/{name}")
    for number, path in enumerate(ours):
        # Where they lie below one of those folders they are not to be covered by its layer.
        _mount("--rbind", str(kept / str(number)), str(path))
    for name, value in _KERNEL.items():
        shown, place = kept / "kernel" / name, Path("/proc/sys") / name
        if place.exists():
            shown.parent.mkdir(parents=True, exist_ok=True)
            shown.write_text(f"{value}\n")
            _mount("--bind", str(shown), str(place))
    _mount("--make-rshared", "/")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    Path("/proc/sys/kernel/hostname").write_text(NODE)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _mount(*words: str) -> None:
    do("the node's folders cannot be mounted", "mount", *words)


def _is_told(seconds: float = 0.0) -> bool:
    """True once standard input is closed."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _buried() -> int:
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _end_containers(settings: Settings) -> None:
    """SIGTERM to all that runs in pods, and a moment for it, as when a machine is shut down."""
    told = set(_contained(settings))
    for pid in told:
        _signal(pid, signal.SIGTERM)
    end = time.monotonic() + _GRACE_SECONDS / 2
    while told & set(_contained(settings)) and time.monotonic() < end:
        _buried() or time.sleep(_POLL_SECONDS)


def _contained(settings: Settings) -> Iterator[int]:
    for group in control_groups(settings.name)[:1]:
        for path in group.rglob("cgroup.procs"):
            yield from map(int, path.read_text().split())


def _kill_everything() -> None:
    # Of the process numbers, -1 means everybody whom this process sees but itself: all of the node and nobody else.
    if os.getpid() == 1:
        _signal(-1, signal.SIGKILL)
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def remove_control_groups(settings: Settings) -> None:
    """Remove what the kubelet made below the node's control group, and the group. Nobody is left in there."""
    for group in control_groups(settings.name):
        for folder, _, _ in os.walk(group, topdown=False):
            end = time.monotonic() + _GRACE_SECONDS
            while True:
                try:
                    os.rmdir(folder)
                    break
                except FileNotFoundError:
                    break
                except OSError:  # the kernel has not let go of the last process yet
                    if time.monotonic() > end:
                        raise
                    time.sleep(_POLL_SECONDS)


def main() -> int:
    """Prepare, start, go on until told to end. Returns the exit code."""
    node = Node(settings_of(Path(sys.argv[1])))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        if os.getpid() != 1:
            raise Fault("this is the first process of a node", given=f"process {os.getpid()}", next="python -m infra.sandbox.node.server")
        prepare(node.settings)
        os.environ["PATH"] = f"{TOOLS}:{os.environ['PATH']}"
        sys.stdin.buffer.readline()  # the link to the machine is there
        node.start_all()
        os.write(sys.stdout.fileno(), STARTED)
        while not _is_told(_POLL_SECONDS):
            node.require_all()
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    finally:
        if os.getpid() == 1:
            node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
