"""The losses of the smoke recipe in fp32 stay what they were: a change that should change no number changes none.

    python -m tests.workloads.training.test_golden

writes them anew. Do that where a change means to alter what is learnt, and say why in its commit.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workloads.training.little import trained
from workloads.recipes import SEED, smoke

GOLDEN = Path(__file__).with_name("golden_smoke_fp32.json")
RECIPE = replace(smoke(), precision="fp32", most_steps=24, most_seconds=1e9, checkpoint_seconds=1e9)


def losses(folder: Path) -> dict[str, list[float]]:
    progress, _, _ = trained(SEED, folder, RECIPE)
    return {"losses": progress.losses, "norms": [norm or 0.0 for norm in progress.norms]}


def test_the_smoke_recipe_learns_what_it_learnt(tmp_path: Path) -> None:
    golden, found = json.loads(GOLDEN.read_text()), losses(tmp_path)
    assert found["losses"] == pytest.approx(golden["losses"], abs=golden["tolerance"])
    assert found["norms"] == pytest.approx(golden["norms"], rel=20 * golden["tolerance"])
    assert golden["losses"][-1] < 0.5 * golden["losses"][0]


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        GOLDEN.write_text(json.dumps({"recipe": RECIPE.to_json(), "tolerance": 1e-3, **losses(Path(scratch))}, indent=1) + "\n")
