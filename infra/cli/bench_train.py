"""`falaj bench train`: training beside the Trainer of transformers, and what checkpoints cost."""

from __future__ import annotations

from typing import Any

from infra.cli.output import emit, progress, table


def run(*, quick: bool, rounds: int, as_json: bool) -> None:
    """Measure, and print the tables."""
    from workloads.bench.training import Spec, contest

    reports = [contest(Spec(precision=precision, rounds=1 if quick else rounds), progress=progress) for precision in _precisions(quick)]
    emit({"reports": reports}, as_json, lambda: "\n\n".join(_shown(report) for report in reports))


def _precisions(quick: bool) -> tuple[str, ...]:
    from workloads.recipes import local_seed
    from workloads.training.parts import chosen_precision
    from workloads.training.world import alone

    usual = chosen_precision(local_seed(), alone())
    return (usual,) if quick or usual == "fp32" else (usual, "fp32")


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
    heading = [f"{report['spec']['precision']}, batch {report['spec']['batch']}", "tokens/s", "best", "ours is x times (goal 1.5)", "by processor time", "peak"]
    return table(rows, heading) + "\n" + words
