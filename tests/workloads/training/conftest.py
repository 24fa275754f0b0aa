from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.workloads.small import tiny_model


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny T5 without dropout. Read only."""
    return tiny_model(tmp_path_factory.mktemp("base"), dropout_rate=0.0)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, and no store that the person who runs the tests has named."""
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("FALAJ_CHECKPOINTS", raising=False)
    torch.set_num_threads(1)


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty place of a moto server, which this process and those it starts reach."""
    import boto3

    for name, value in {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="checkpoints")
    return f"s3://checkpoints/{uuid.uuid4()}"
