"""The same promises from a folder and from S3 (moto in process)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from falaj.errors import Fault, UsageError
from workloads.store import ABSENT, Conflict, FolderStore, S3Store, Store


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "folder":
        return Store.open(tmp_path / "store")
    import boto3

    for name, value in {"AWS_ENDPOINT_URL": request.getfixturevalue("s3_endpoint"), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    bucket = f"releases-{abs(hash(request.node.name)) % 10**8}"
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
    return Store.open(f"s3://{bucket}/releases")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    (source / "model").mkdir(parents=True)
    (source / "release.json").write_text("{}")
    (source / "model" / "encoder.onnx").write_bytes(b"\x00\x01" * 5000)
    return source


def test_the_address_picks_the_kind_of_store(tmp_path: Path) -> None:
    assert isinstance(Store.open("s3://bucket/releases"), S3Store)
    assert isinstance(Store.open(f"file://{tmp_path}"), FolderStore)
    assert isinstance(Store.open(tmp_path), FolderStore)
    with pytest.raises(UsageError, match="'https' is no place for releases"):
        Store.open("https://example.org")


def test_a_folder_comes_back_as_it_was_sent(store: Store, folder: Path, tmp_path: Path) -> None:
    store.put_folder(folder, "v1", last="release.json")
    assert store.names("v1") == ["v1/model/encoder.onnx", "v1/release.json"]
    store.get_folder("v1", tmp_path / "back")
    assert (tmp_path / "back/model/encoder.onnx").read_bytes() == (folder / "model/encoder.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_version_does_not_match_another_that_it_is_the_start_of(store: Store, folder: Path) -> None:
    store.put_folder(folder, "v10")
    assert store.names("v1") == []


def test_a_missing_prefix_is_a_fault_and_leaves_no_folder(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="there is nothing under v9"):
        store.get_folder("v9", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_pointer_is_replaced_only_while_it_is_what_was_read(store: Store) -> None:
    assert store.read_document("current.json").tag == ABSENT
    first = store.replace_document("current.json", {"version": "a"}, expect=ABSENT)
    with pytest.raises(Conflict):
        store.replace_document("current.json", {"version": "b"}, expect=ABSENT)
    second = store.replace_document("current.json", {"version": "c"}, expect=first)
    with pytest.raises(Conflict, match="current.json was changed by somebody else"):
        store.replace_document("current.json", {"version": "d"}, expect=first)
    assert (store.read_document("current.json").value, store.read_document("current.json").tag) == ({"version": "c"}, second)


def test_of_many_writers_that_read_the_same_pointer_one_wins(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put_json("current.json", {"version": "start"})
    tag = store.read_document("current.json").tag
    won, lost = [], []

    def write(number: int) -> None:
        try:
            store.replace_document("current.json", {"version": str(number)}, expect=tag)
            won.append(number)
        except Conflict:
            lost.append(number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (len(won), len(lost)) == (1, 5)
    assert store.read_json("current.json") == {"version": str(won[0])}


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", ""])
def test_a_name_cannot_leave_the_store(name: str, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="is not a name inside the store"):
        Store.open(tmp_path).write_bytes(name, b"x")


def test_a_pointer_that_is_not_json_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_bytes(b'{"version": ')
    with pytest.raises(Fault, match="current.json is not JSON"):
        Store.open(tmp_path).read_json("current.json")


def test_a_bucket_that_is_not_there_is_a_fault_with_what_to_do(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Fault, match="the release store refused get_object"):
        Store.open("s3://nowhere/releases").read_json("current.json")
