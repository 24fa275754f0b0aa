"""One container of a local pod over all its runs: start, watch, restart with back-off, end."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from falaj.quantity import quantity
from infra.sandbox.kubernetes.clock import moment, stamp
from infra.sandbox.kubernetes.environment import Launch, launch
from infra.sandbox.kubernetes.kinds import Object, name_of, namespace_of
from infra.sandbox.kubernetes.probes import Prober
from infra.sandbox.kubernetes.process import Run
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.volumes import NotYet

_LONGEST_BACKOFF = 300.0
_FORGIVEN = 600.0
"""A run this long (seconds) starts the back-off anew."""
_MEMORY_PERIOD = 0.5
_LOOK_AGAIN = 0.5
_MESSAGE_BYTES = 2048


def log_file(settings: Settings, namespace: str, pod: str, container: str, number: int) -> Path:
    """Where the output of one run is kept, also after the pod has gone."""
    return settings.folder / "logs" / namespace / pod / f"{container}-{number}.log"


class Container:
    """`tick` moves it on; `done` and `exit_code` say whether and how it ended for good."""

    def __init__(self, pod: Object, spec: Object, scratch: Path, store: Store, settings: Settings, *, init: bool, wake: Callable[[], None]) -> None:
        self.pod, self.spec, self.name = pod, spec, spec["name"]
        self._store, self._settings, self._scratch, self._wake = store, settings, scratch, wake
        self._policy = pod["spec"].get("restartPolicy", "Always")
        if init and self._policy == "Always":
            self._policy = "OnFailure"
        self._init = init
        self.run: Run | None = None
        self.number = -1
        self.restarts = 0
        self.waiting: tuple[str, str] = ("PodInitializing", "")
        self.last: Object | None = None
        self.terminated: Object | None = None
        self._not_before = 0.0
        self._failures = 0
        self._prober: Prober | None = None
        self._launch: Launch | None = None
        self._before: Object | None = None
        self._memory_due = 0.0
        self._restore()

    # what is known

    @property
    def started(self) -> bool:
        """Running, and past its startup probe."""
        return self._alive() and (self._prober is None or self._prober.started)

    @property
    def ready(self) -> bool:
        """Running, and its readiness probe is content."""
        return self._alive() and (self._prober is None or self._prober.ready)

    @property
    def done(self) -> bool:
        """Ended, and not to be started again."""
        return self.terminated is not None and not self._restartable(self.terminated["exitCode"])

    @property
    def exit_code(self) -> int:
        """Exit code of the last run."""
        return self.terminated["exitCode"] if self.terminated else 0

    @property
    def lost(self) -> bool:
        """True when nobody saw it end: the machine or its shell was killed, not the workload's fault."""
        return bool(self.terminated and self.terminated["reason"] == "ContainerStatusUnknown")

    def status(self) -> Object:
        """Its row of containerStatuses."""
        if self._alive():
            state: Object = {"running": {"startedAt": self._begun()}}
        elif self.done:
            state = {"terminated": self.terminated}
        else:
            state = {"waiting": {"reason": self.waiting[0], **({"message": self.waiting[1]} if self.waiting[1] else {})}}
        waits_to_restart = self.terminated is not None and "waiting" in state
        last = self.terminated if waits_to_restart else self.last
        finished_init = self._init and self.done and self.exit_code == 0
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": self.spec["image"],
            "containerID": f"process://{self.pod['metadata']['uid']}/{self.name}/{self.number}",
            "state": state,
            "lastState": {"terminated": last} if last else {},
            "ready": finished_init or self.ready,
            "started": self.started,
            "restartCount": self.restarts,
        }

    # moving on

    def tick(self, folders: dict[str, Path], ports: Mapping[int, int]) -> None:
        """Start it when it is due, look after it while it runs, note how it ended."""
        if self._alive():
            self._watch(folders, ports)
            return
        if self.run is not None:
            self._note_end()
        if not self.done and time.monotonic() >= self._not_before:
            self._start(folders, ports)

    def stop_watching(self) -> None:
        """No more probes: it is going away."""
        if self._prober:
            self._prober.stop()

    def pre_stop(self) -> None:
        """Carry out its preStop hook, if it has one and runs."""
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        if not self._alive():
            return
        if hook.get("sleep"):
            time.sleep(hook["sleep"]["seconds"])
        elif hook.get("exec") and self._launch:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    hook["exec"]["command"],
                    env=self._launch.environ,
                    cwd=self._launch.folder,
                    timeout=self.pod["spec"].get("terminationGracePeriodSeconds", 30),
                )

    def terminate(self) -> None:
        """Ask it to end."""
        if self.run:
            self.run.terminate()

    def kill(self) -> None:
        """End it."""
        if self.run:
            self.run.kill()
            self._note_end()

    def running(self) -> bool:
        """True while its process is there."""
        return self._alive()

    # inner

    def _restore(self) -> None:
        """Take up what an earlier daemon left: the status it wrote, and the last run on disk."""
        status = self.pod.get("status") or {}
        rows = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
        known = next((row for row in rows if row["name"] == self.name), None)
        noted = -1
        if known:
            self.restarts, self.last = known["restartCount"], (known.get("lastState") or {}).get("terminated")
            self.terminated = known["state"].get("terminated") or (self.last if "waiting" in known["state"] else None)
            noted = int(known["containerID"].rpartition("/")[2])
        numbers = sorted(int(path.name) for path in (self._scratch / self.name).glob("*") if path.name.isdecimal())
        if not numbers:
            return
        self.number = numbers[-1]
        run = Run(self._run_folder())
        if run.void():
            self.terminated = None if noted == self.number else self.terminated
        elif not (self.terminated is not None and noted == self.number):
            self.run = run
            self._before = known if noted == self.number else None

    def _alive(self) -> bool:
        return self.run is not None and self.run.exit_code() is None

    def _run_folder(self) -> Path:
        return self._scratch / self.name / str(self.number)

    def _begun(self) -> str:
        claim = self._run_folder() / "claim"
        return stamp(datetime.fromtimestamp(claim.stat().st_mtime if claim.exists() else time.time(), UTC))

    def _restartable(self, code: int) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and code != 0)

    def _start(self, folders: dict[str, Path], ports: Mapping[int, int]) -> None:
        try:
            self._launch = launch(self.pod, self.spec, self._store, self._settings, folders=folders, ports=ports, scratch=self._scratch)
            self.number += 1
            log = log_file(self._settings, namespace_of(self.pod) or "default", name_of(self.pod), self.name, self.number)
            self.run = Run.start(self._run_folder(), self._launch, log)
        except NotYet as problem:
            self.waiting, self._not_before = (problem.reason, problem.message), time.monotonic() + _LOOK_AGAIN
            return
        except OSError as problem:
            self.waiting, self._not_before = ("CreateContainerError", str(problem)), time.monotonic() + _LOOK_AGAIN
            return
        if self.terminated is not None:
            self.restarts += 1
            self.last, self.terminated = self.terminated, None
        self._before = None
        self._probe(ports)

    def _probe(self, ports: Mapping[int, int]) -> None:
        if not any(self.spec.get(kind) for kind in ("startupProbe", "livenessProbe", "readinessProbe")) or self._launch is None:
            return
        run = self.run

        def restart(why: str) -> None:
            if run is not None and run is self.run:
                run.mark(why)
                threading.Thread(target=self._end_gently, args=(run,), daemon=True).start()

        self._prober = Prober(self.spec, self._launch, ports, changed=self._wake, failed=restart, before=self._before)
        self._prober.start()

    def _end_gently(self, run: Run) -> None:
        run.terminate()
        limit = time.monotonic() + self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        while run.exit_code() is None and time.monotonic() < limit:
            time.sleep(0.05)
        run.kill()
        self._wake()

    def _watch(self, folders: dict[str, Path], ports: Mapping[int, int]) -> None:
        if self._launch is None and self._prober is None:  # adopted: probe it as well
            with contextlib.suppress(NotYet):
                self._launch = launch(self.pod, self.spec, self._store, self._settings, folders=folders, ports=ports, scratch=self._scratch)
                self._probe(ports)
        limit = ((self.spec.get("resources") or {}).get("limits") or {}).get("memory")
        if limit is None or self.run is None or time.monotonic() < self._memory_due:
            return
        self._memory_due = time.monotonic() + _MEMORY_PERIOD
        if self.run.memory() > quantity(limit):
            self.run.mark("OOMKilled")
            self.run.kill()

    def _note_end(self) -> None:
        run = self.run
        code = run.exit_code() if run else None
        if run is None or code is None:
            return
        run.sweep()
        self.stop_watching()
        self._prober, self.run = None, None
        why, seen = run.marked(), (run.folder / "exit").exists()
        reason = "OOMKilled" if why == "OOMKilled" else "Completed" if code == 0 else "Error" if seen else "ContainerStatusUnknown"
        ended = datetime.fromtimestamp(run.ended(), UTC)
        begun = self._begun()
        self.terminated = {"exitCode": code, "reason": reason, "startedAt": begun, "finishedAt": stamp(ended)}
        if code > 128:
            self.terminated["signal"] = code - 128
        message = self._tail() if code else ""
        if why and why != "OOMKilled":
            message = f"{why}\n{message}".strip()
        if message:
            self.terminated["message"] = message
        if self._restartable(code):
            self._failures = 0 if (ended - moment(begun)).total_seconds() > _FORGIVEN else self._failures + 1
            pause = 0.0 if self._failures == 1 else self._settings.backoff(self._failures - 1, longest=_LONGEST_BACKOFF)
            self._not_before = time.monotonic() + pause
            self.waiting = ("CrashLoopBackOff", f"back-off {pause:.1f}s restarting failed container {self.name}")

    def _tail(self) -> str:
        log = log_file(self._settings, namespace_of(self.pod) or "default", name_of(self.pod), self.name, self.number)
        try:
            return log.read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace").strip()
        except OSError:
            return ""
