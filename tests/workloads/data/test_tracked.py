from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import manifest
from falaj.errors import Fault
from tests.workloads.data.conftest import BUCKET
from tests.workloads.small import own_rows, write_jsonl
from workloads.data import tracked


def test_data_goes_to_a_bucket_of_the_sandbox_and_comes_back(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_BUCKET", BUCKET)
    monkeypatch.delenv("FALAJ_DATA_REMOTE", raising=False)
    where = tracked.remote()
    assert where == f"s3://{BUCKET}/dvc"
    files = [write_jsonl(tmp_path / f"{split}.jsonl", own_rows(number)) for split, number in (("train", 9), ("test", 3))]
    pointer = tracked.track(files, tmp_path / "dvc", where)
    restored = tracked.restore(pointer, tmp_path / "elsewhere", where)
    # Nothing of it lies where a machine's users share a folder, which a pod does not have.
    assert any((tmp_path / "dvc" / ".dvc" / "site").iterdir())
    assert manifest(restored) == {path.name: manifest(tmp_path)[path.name] for path in files}
    with pytest.raises(Fault, match="could not be pushed"):
        tracked.track(files, tmp_path / "again", "s3://no-such-bucket/dvc")
