from __future__ import annotations

from pathlib import Path

import pytest

from falaj.canonical import manifest
from falaj.errors import Fault
from tests.workloads.small import own_rows, write_jsonl
from workloads.data import tracked


def test_data_goes_to_a_bucket_of_the_sandbox_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "me-central-1",
            "AWS_DEFAULT_REGION": "me-central-1",
            "FALAJ_DATA_BUCKET": "falaj-local-data",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("FALAJ_DATA_REMOTE", raising=False)
        boto3.client("s3").create_bucket(Bucket="falaj-local-data", CreateBucketConfiguration={"LocationConstraint": "me-central-1"})
        where = tracked.remote()
        assert where == "s3://falaj-local-data/dvc"
        files = [write_jsonl(tmp_path / f"{split}.jsonl", own_rows(number)) for split, number in (("train", 9), ("test", 3))]
        pointer = tracked.track(files, tmp_path / "dvc", where)
        restored = tracked.restore(pointer, tmp_path / "elsewhere", where)
        assert manifest(restored) == {path.name: manifest(tmp_path)[path.name] for path in files}
        with pytest.raises(Fault, match="could not be pushed"):
            tracked.track(files, tmp_path / "again", "s3://no-such-bucket/dvc")
    finally:
        server.stop()
