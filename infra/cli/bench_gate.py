"""`falaj bench gate`: the whole library on large plans, beside the real OPA on the same question.

A large plan is our own prod, planned once and repeated with other URNs, buckets and namespaces, so that every rule finds as much to
judge as it would in a platform of many teams. Each row runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.home import ROOT

SIZES = (1_000, 10_000)


def rows(runs: int) -> list[tuple[str, float, float, int, str]]:
    """What, median seconds, peak MiB, runs, goal: the gate and its engine on each size, then OPA on the largest where it is at hand."""
    from infra.pipeline.policy_engine import opa_binary

    found = []
    with tempfile.TemporaryDirectory(prefix="falaj-bench-") as name:
        folder = Path(name)
        for size in SIZES:
            path = folder / f"plan-{size}.json"
            path.write_text(json.dumps(large_plan(size)), encoding="utf-8")
            goal = "< 1.0 s, < 250 MiB" if size == SIZES[-1] else ""
            measured = [_apart("regorus", path) for _ in range(runs)]
            memory = max(each["mebibytes"] for each in measured)
            found.append((f"gate of {size:,} resources, {measured[0]['rules']} rules", _median(measured, "gate"), memory, runs, goal))
            found.append(
                (f"  of it the embedded engine: input, rules, answer ({measured[0]['judgements']:,} judgements)", _median(measured, "engine"), memory, runs, "")
            )
        for peer, here in (("opa-binary", opa_binary()), ("conftest", conftest_binary())):
            if here is not None:
                measured = [_apart(peer, path) for _ in range(runs)]
                name = f"{'opa eval' if peer == 'opa-binary' else peer} of {SIZES[-1]:,} resources (peer)"
                found.append((name, _median(measured, "engine"), max(each["mebibytes"] for each in measured), runs, ""))
    return found


def conftest_binary() -> Path | None:
    """conftest on PATH or built under .cache/tools; None where there is none."""
    found, built = shutil.which("conftest"), ROOT / ".cache" / "tools" / "conftest"
    return Path(found) if found else built if os.access(built, os.X_OK) else None


def covered() -> tuple[dict[str, Any], list[str]]:
    """How much of the library, and of the catalogues behind it, judges something on our own plans and the passing documents."""
    from dataclasses import asdict

    from infra.authoring.coverage import coverage, lines, real_decisions
    from infra.cli.own_plans import own_plans
    from infra.pipeline.library import Library
    from infra.pipeline.policy_engine import choose

    library = Library.open()
    found = coverage(library, real_decisions(library, own_plans(), choose("regorus")))
    return asdict(found), lines(found)


def large_plan(size: int) -> dict[str, Any]:
    """Prod's four stacks, repeated under other names until there are `size` resources; a plan document."""
    from infra.cli.own_plans import own_plans

    plans = [plan.to_json() for plan in own_plans()]
    once = json.dumps([resource for plan in plans for resource in plan["resources"]])
    resources: list[Any] = []
    while len(resources) < size:
        copy = f"c{len(resources)}"
        text = once.replace("urn:pulumi:prod::", f"urn:pulumi:prod::{copy}").replace("falaj-prod", f"falaj-prod-{copy}")
        resources += [_renamed(each, copy) for each in json.loads(text.replace('"namespace": "', f'"namespace": "{copy}-'))]
    return {**plans[0], "resources": resources[:size], "outputs": {}}


def _renamed(resource: dict[str, Any], copy: str) -> dict[str, Any]:
    """An object of a cluster under another name; the policies at its door are known by theirs."""
    metadata = resource["inputs"].get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("name"), str) and ":ValidatingAdmissionPolicy" not in resource["type"]:
        metadata["name"] = f"{copy}-{metadata['name']}"
    return resource


def _apart(engine: str, path: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "infra.cli.bench_gate", engine, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Fault("the gate failed while it was measured", given=engine, why=done.stderr[-400:], next="run it by hand")
    return json.loads(done.stdout)


def _median(measured: list[dict[str, Any]], key: str) -> float:
    values = sorted(each[key] for each in measured)
    return values[len(values) // 2]


def _measure(engine_name: str, path: Path) -> dict[str, Any]:
    """One judgement in this process. Peak memory is that of this process and the engine's together; of a peer it is the peer's alone."""
    import resource

    from infra.pipeline.gate import judge_plan
    from infra.pipeline.plan import read_plan
    from infra.pipeline.policy_engine import choose

    plan, engine = read_plan(path), choose(engine_name)
    spent: list[float] = []

    class Timed:
        name = engine.name

        def evaluate(self, modules: Any, digest: str, rule: str, input: Any) -> Any:
            began = time.perf_counter()
            try:
                return engine.evaluate(modules, digest, rule, input)
            finally:
                spent.append(time.perf_counter() - began)

    together = _Together()
    began = time.perf_counter()
    decision = judge_plan(plan, engine=Timed())
    seconds = time.perf_counter() - began
    peak = together.peak() if engine_name == "regorus" else resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    judgements = sum(len(result.judged) for result in decision.rules)
    if not judgements:
        raise Fault("the gate judged nothing", given="; ".join(decision.faults))
    return {"gate": seconds, "engine": sum(spent), "mebibytes": peak, "rules": len(decision.rules), "judgements": judgements}


class _Together:
    """The most memory that this process and those that it started had at one time, by a look every hundredth of a second."""

    def __init__(self) -> None:
        self._most = _resident(os.getpid())
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()

    def peak(self) -> float:
        """In MiB, until now."""
        self._ended.set()
        self._looking.join()
        return self._most

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            # Children belong to the thread that started them, and threads come and go.
            with suppress(OSError):
                children = [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
                self._most = max(self._most, sum(_resident(pid) for pid in (os.getpid(), *children)))


def _resident(pid: int) -> float:
    """MiB of memory that a process has; none where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except OSError:
        return 0.0


def _conftest(path: Path) -> dict[str, Any]:
    """One run of conftest on the plan, by the folder that `falaj policy build` makes."""
    import resource

    from infra.pipeline.library import Library
    from infra.policy_build.conftest_folder import write

    with tempfile.TemporaryDirectory(prefix="falaj-bench-") as name:
        folder = Path(name)
        write(Library.open(), "prod", folder)
        began = time.perf_counter()
        done = subprocess.run(
            [str(conftest_binary()), "test", "--output=json", "--policy=policy", "--data=data", str(path)], cwd=folder, capture_output=True, check=False
        )
        seconds = time.perf_counter() - began
    if done.returncode not in (0, 1):
        raise Fault("conftest gave no answer", why=done.stderr.decode(errors="replace")[-400:], next="run it by hand")
    return {"engine": seconds, "mebibytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(_conftest(Path(sys.argv[2])) if sys.argv[1] == "conftest" else _measure(sys.argv[1], Path(sys.argv[2]))))
