"""What tests of the feature store share: whether Feast is here, and a prepared version of the data."""

from __future__ import annotations

import pytest

from tests.workloads.small import own_rows, write_jsonl
from workloads.artifacts import open_artifact
from workloads.features import tool
from workloads.features.store import Prepared, prepared
from workloads.prepare import prepare

needs_feast = pytest.mark.skipif(tool.python() is None, reason="no Feast here; `make features` installs it")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A prepared version of 240 rows. Read only."""
    folder = tmp_path_factory.mktemp("prepared")
    rows = [{**row, "id": f"r{number}"} for number, row in enumerate(own_rows())]
    return prepared(open_artifact(prepare(folder / "r", data=write_jsonl(folder / "mine.jsonl", rows), recipe="smoke", track=False).folder))
