"""The stages of road B as a DVC pipeline. `workloads/dvc.yaml` is written from the one table of stages by `python tools/docs.py`."""

from __future__ import annotations

from typing import Any

import yaml

from workloads.stages import GATE, reads, road, stage

WORK = ".falaj/dvc"
"""Where DVC's runs lie, beside those of `falaj run`."""
_RUN = f"{WORK}/runs/${{run}}"
_CODE: dict[str, tuple[str, ...]] = {
    "prepare": ("workloads/prepare.py", "workloads/data", "workloads/tokens", "workloads/recipes.py"),
    "train": ("workloads/train.py", "workloads/training", "workloads/tokens", "workloads/recipes.py"),
    "compress": ("workloads/compress", "workloads/engine"),
    "evaluate": ("workloads/evaluate.py", "workloads/evaluation"),
    GATE: ("policies/release", "policies/lib"),
    "register": ("workloads/register.py", "workloads/release.py"),
}
"""What a step runs, so that a change of it is a reason to run the step again."""
_PARAMS: dict[str, tuple[str, ...]] = {"prepare": ("tokens",)}
"""What a step reads from `workloads/params.yaml` by itself, beside what its command names."""
_HEAD = "# Made by tools/docs.py from workloads/stages.py; edit that, then run it again. docs/data.md says how to use it.\n"


def pipeline() -> dict[str, Any]:
    """The pipeline as a value: every step of the road, the gate among them, each reading what the steps before it made.

    Run id, recipe and further options of `prepare` (such as `--data FILE`) come from `workloads/params.yaml`.
    """
    return {"stages": {name: _gate() if name == GATE else _stage(name) for name in road()}}


def text() -> str:
    """`workloads/dvc.yaml`."""
    return _HEAD + yaml.safe_dump(pipeline(), sort_keys=False, width=160)


def _stage(name: str) -> dict[str, Any]:
    each = stage(name)
    # A Job is tried again by its cluster; DVC tries nothing again.
    options = f"--retries {each.retries} --run ${{run}} --recipe ${{recipe}}" + (" ${options}" if not each.after else "")
    return {
        "wdir": "..",
        "cmd": f"FALAJ_WORK=$PWD/{WORK} python -m workloads {' '.join(each.args)} {options}",
        "deps": [*_CODE[name], *map(_made, reads(name))],
        **({"params": [{"workloads/params.yaml": list(_PARAMS[name])}]} if name in _PARAMS else {}),
        "outs": [_made(name)],
    }


def _gate() -> dict[str, Any]:
    return {
        "wdir": "..",
        "cmd": f"python -m infra.cli.main data judge {_RUN}",
        "deps": [*_CODE[GATE], *map(_made, reads(GATE))],
        "outs": [_made(GATE)],
    }


def _made(name: str) -> str:
    """What a step leaves."""
    return f"{_RUN}/decision.json" if name == GATE else f"{_RUN}/{name}"
