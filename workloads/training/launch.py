"""Starts the ranks of a training run with torch's elastic launcher, starts them again when one dies, and ends as they ended.

FALAJ_RANKS: ranks on this machine; all its GPUs where it is not set. FALAJ_NODES: how many machines take part, as `least:most`; with more than
one FALAJ_RENDEZVOUS names the machine, `host:port`, where they meet; pods of an Indexed Job know by their number whether they are it. When a
machine leaves or joins, all ranks start again from the newest checkpoint, as many as there are now; which rows a step trains on does not depend
on their number. Only the machine where they meet cannot be done without.
"""

from __future__ import annotations

import inspect
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from falaj.errors import FINAL_EXIT_CODES, Fault, UsageError
from workloads.serve.settings import threads

_LEAVING_SECONDS = 20
"""What is left of the time until the end when ranks must have written their last checkpoint."""


@dataclass(frozen=True)
class Nodes:
    """The machines of a run and where they meet."""

    least: int = 1
    most: int = 1
    rendezvous: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the rendezvous, by torch's names; for tests that cannot wait."""


def ranks_here(environ: Mapping[str, str] = os.environ) -> int:
    """Ranks to start on this machine: FALAJ_RANKS, else one for each GPU, else 1. Raises UsageError for no number."""
    told = environ.get("FALAJ_RANKS")
    if told is None:
        import torch

        return max(1, torch.cuda.device_count())
    if not re.fullmatch(r"[1-9]\d{0,3}", told):
        raise UsageError("not a number of ranks", given=f"FALAJ_RANKS={told}", allowed="1 to 9999")
    return int(told)


def nodes_of(environ: Mapping[str, str] = os.environ) -> Nodes:
    """What FALAJ_NODES and FALAJ_RENDEZVOUS say. Raises UsageError for what they cannot mean."""
    told = environ.get("FALAJ_NODES", "1")
    found = re.fullmatch(r"([1-9]\d*)(?::([1-9]\d*))?", told)
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not least or most < least:
        raise UsageError("not a number of machines", given=f"FALAJ_NODES={told}", allowed="a number, or least:most")
    where = environ.get("FALAJ_RENDEZVOUS", "")
    if most > 1 and not where:
        raise UsageError("machines need a place to meet", given=f"FALAJ_NODES={told}", next="set FALAJ_RENDEZVOUS to host:port of one of them")
    # Left to itself torch compares names and addresses, and a pod's name may not be known yet when it starts.
    number = environ.get("JOB_COMPLETION_INDEX")
    return Nodes(least, most, where, {"is_host": number == "0"} if most > 1 and number else {})


def grace_seconds(environ: Mapping[str, str] = os.environ) -> int:
    """Seconds that ranks have for their last checkpoint: FALAJ_GRACE_SECONDS, two minutes where it is not set, less some to leave in."""
    told = environ.get("FALAJ_GRACE_SECONDS", "120")
    if not re.fullmatch(r"\d{2,4}", told) or int(told) <= _LEAVING_SECONDS:
        raise UsageError("not a number of seconds to end in", given=f"FALAJ_GRACE_SECONDS={told}", allowed=f"{_LEAVING_SECONDS + 1} to 9999")
    return int(told) - _LEAVING_SECONDS


def launch(command: Sequence[str], *, ranks: int, nodes: Nodes, run: str, restarts: int = 3) -> None:
    """Run `command` once for each rank until all end well. A rank that dies takes the others with it, and all start again, `restarts` times.

    Raises SystemExit with 143 when told to stop, with a rank's own code where that is final, and Fault when ranks die again and again, or when the
    other machines are not there, or no longer.
    """
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ["OMP_NUM_THREADS"] = str(max(1, threads(os.environ) // ranks))
    if nodes.most > 1:
        # Each start gets a store of its own: the one that agents share is told to those that were there at the first start alone.
        os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    # Pages of two megabytes for what ranks allocate; only the start of a process can ask for that.
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    newer: dict[str, Any] = {"shutdown_timeout": grace_seconds()} if "shutdown_timeout" in inspect.signature(LaunchConfig).parameters else {}
    config = LaunchConfig(
        min_nodes=nodes.least,
        max_nodes=nodes.most,
        nproc_per_node=ranks,
        run_id=run,
        rdzv_backend="c10d",
        rdzv_endpoint=nodes.rendezvous or "localhost:0",
        rdzv_configs=dict(nodes.settings),
        local_addr="localhost" if nodes.most == 1 or _is_loopback(nodes.rendezvous) else None,
        max_restarts=restarts,
        logs_specs=DefaultLogsSpecs(redirects=Std.NONE),
        **newer,
    )
    try:
        elastic_launch(config, command[0])(*command[1:])
    except SignalException as told:
        raise SystemExit(128 + (told.sigval or signal.SIGTERM)) from told
    except ChildFailedError as failed:
        codes = {rank: failure.exitcode for rank, failure in failed.failures.items()}
        if final := [code for code in codes.values() if code in FINAL_EXIT_CODES or code == 128 + signal.SIGTERM]:
            raise SystemExit(final[0]) from failed
        raise Fault(
            f"ranks died {restarts + 1} times",
            given=", ".join(f"rank {rank} with exit code {code}" for rank, code in sorted(codes.items())),
            why="each time all ranks were started again from the newest checkpoint",
            next="look at what they said above; -9 is what a lack of memory looks like",
        ) from failed
    except (RendezvousError, DistError) as problem:
        raise Fault(
            "the machines of the run do not find each other",
            given=f"{nodes.rendezvous or 'this machine'}, {nodes.least} to {nodes.most} machines",
            why=f"{type(problem).__name__}: {problem}",
            next="see that the machine where they meet is up and its port can be reached, then run the same command again on each: it goes on here",
        ) from problem


def _is_loopback(meeting: str) -> bool:
    # Whoever meets there is on one machine, whose own name need not lead anywhere.
    return meeting.startswith(("127.", "localhost:"))


def stage_command(run: str, recipe: str) -> list[str]:
    """The train stage of a run, as one rank of it runs."""
    return [sys.executable, "-m", "workloads", "train", "--run", run, *(["--recipe", recipe] if recipe else [])]
