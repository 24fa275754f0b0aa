"""`falaj bench train`: training beside the Trainer of transformers, and what checkpoints cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from workloads.bench.training import Spec


def run(*, quick: bool, rounds: int, as_json: bool) -> None:
    """Measure, and print the tables."""
    from workloads.bench.training import contest

    reports = [contest(spec, progress=progress) for spec in _specs(quick, rounds)]
    emit({"reports": reports}, as_json, lambda: "\n\n".join(_shown(report) for report in reports))


def _specs(quick: bool, rounds: int) -> list[Spec]:
    """The precision that training takes by itself, as short runs and as long ones (compiled) train; and fp32 where that is another."""
    from workloads.bench.training import Spec
    from workloads.recipes import local_seed
    from workloads.training.parts import chosen_precision
    from workloads.training.world import alone

    usual = chosen_precision(local_seed(), alone())
    if quick:
        return [Spec(precision=usual, rounds=1)]
    long = Spec(precision=usual, rounds=rounds, compiled=True)
    return [replace(long, compiled=False), long, *([Spec(precision="fp32", rounds=rounds)] if usual != "fp32" else [])]


def _shown(report: dict[str, Any]) -> str:
    ours, *peers = report["contestants"]
    rows = [
        [
            one["name"],
            f"{one['tokens']:.0f}",
            f"{one['best']:.0f}",
            f"{ours['tokens'] / one['tokens']:.2f}",
            f"{ours['worked'] / one['worked']:.2f}",
            f"{one['peak']:.0f} MiB",
        ]
        for one in (ours, *peers)
    ]
    words = (
        f"a checkpoint took {ours['checkpoint']:.2f} s of training's time, {ours['blocked']:.2f} s of them waiting: "
        f"{report['checkpoint_share']:.1%} at the default interval of {report['interval']:.0f} s (goal < 3 %)"
    )
    spec = report["spec"]
    what = f"{spec['precision']}{', ours compiled' if spec['compiled'] else ''}, batch {spec['batch']}"
    heading = [what, "tokens/s", "best", "ours is x times (goal 1.5)", "by processor time", "peak"]
    return table(rows, heading) + "\n" + words
