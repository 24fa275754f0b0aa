"""One run of a container as a process group that outlives the daemon and leaves its exit code on disk.

Between the daemon and the container stands a shell of a few lines. It claims its folder before it starts anything, so
that a run can never happen twice, and writes the exit code when the container has ended, so that a daemon that was
killed and started again learns how it ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil

from infra.sandbox.kubernetes.environment import Launch

_SHIM = 'claim=$1/claim; exit=$1/exit; shift; ( set -C; echo $$ > "$claim" ) 2>/dev/null || exit 0; trap : TERM INT HUP; "$@"; code=$?; echo "$code" > "$exit"'
RUN_VARIABLE = "FALAJ_POD_RUN"
"""Set in every container's environment: the folder of its run."""
LOST = 137
"""Exit code of a run that ended without anyone seeing how, as Kubernetes reports it."""


class Run:
    """A container's run in `folder`; made by `start`, or by `Run(folder)` for one that an earlier daemon started."""

    def __init__(self, folder: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.folder = folder
        self._child = child
        self._shim: psutil.Process | None = None

    @classmethod
    def start(cls, folder: Path, launch: Launch, log: Path) -> Run:
        """Start it. Raises OSError when the machine cannot."""
        folder.mkdir(parents=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            child = subprocess.Popen(
                [shutil.which("sh") or "/bin/sh", "-c", _SHIM, "pod", str(folder), *launch.command],
                cwd=launch.folder,
                env={**launch.environ, RUN_VARIABLE: str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        return cls(folder, child)

    def void(self) -> bool:
        """Make sure that a run found on disk never happens. True when it had not begun; it never will then."""
        claim = self.folder / "claim"
        with contextlib.suppress(FileExistsError), claim.open("x"):
            return True
        if self._pid() is None:
            time.sleep(0.2)  # an empty claim is ours from an earlier life, or a shell is writing its pid just now
        return self._pid() is None

    def exit_code(self) -> int | None:
        """The exit code once it has ended (LOST where nobody saw it), None while it runs."""
        if self._child is not None:
            self._child.poll()  # or it would stay a zombie
        found = self._written()
        if found is not None:
            return found
        if self._child is not None and self._child.poll() is None:
            return None
        if self._process() is not None:
            return None
        found = self._written()  # it may have ended between the two looks
        return found if found is not None else LOST

    def ended(self) -> float:
        """When it ended, seconds since the epoch."""
        try:
            return (self.folder / "exit").stat().st_mtime
        except OSError:
            return time.time()

    def processes(self) -> list[psutil.Process]:
        """The container's processes, its first one first; without the shell around them."""
        shim = self._process()
        try:
            return shim.children(recursive=True) if shim else []
        except psutil.NoSuchProcess:
            return []

    def memory(self) -> int:
        """Resident bytes of all its processes; pages they share are counted for each, which errs on the strict side."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def terminate(self) -> None:
        """SIGTERM to the first process of the container, as a container runtime does."""
        for process in self.processes()[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to all of it, and wait until it is gone. The shell around it is left to write the exit code."""
        for _ in range(100):
            if self.exit_code() is not None:
                break
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.02)
        self.sweep()

    def sweep(self) -> None:
        """End what the container left behind in its process group."""
        pid = self._pid()
        if pid is None:
            return
        try:
            os.killpg(pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        for process in psutil.process_iter():
            # The variable proves that it is ours: after a restart the number could be another group's.
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == pid and process.pid != pid and process.environ().get(RUN_VARIABLE) == str(self.folder):
                    process.kill()

    def mark(self, what: str) -> None:
        """Remember, over a restart too, why the daemon ended this run."""
        (self.folder / "why").write_text(what)

    def marked(self) -> str | None:
        """What `mark` wrote."""
        try:
            return (self.folder / "why").read_text()
        except OSError:
            return None

    def _written(self) -> int | None:
        try:
            text = (self.folder / "exit").read_text()
        except OSError:
            return None
        return int(text) if text.endswith("\n") else None

    def _pid(self) -> int | None:
        try:
            return int((self.folder / "claim").read_text())
        except (OSError, ValueError):
            return None

    def _process(self) -> psutil.Process | None:
        if self._shim is None:
            pid = self._pid()
            try:
                found = psutil.Process(pid) if pid else None
                # The folder in its command line tells our shell from a later process of the same number.
                if found is None or str(self.folder) not in found.cmdline():
                    return None
                self._shim = found
            except psutil.Error:
                return None
        try:
            return self._shim if self._shim.is_running() and self._shim.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None
