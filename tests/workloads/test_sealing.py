"""Sealed models: what opens is exactly what was sealed for this release, and no plaintext outlives its use."""

from __future__ import annotations

import errno
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied, Fault, UsageError
from falaj.files import read_json, write_json
from workloads import sealing
from workloads.model_files import NotAModel
from workloads.release import seal, signing_key_file
from workloads.sealed_stream import CHUNK, NotIntact, decrypt, encrypt, sealed_size
from workloads.sealing import open_folder, open_model, seal_folder, sweep
from workloads.sealing_keys import KeyFile, KmsKey, from_environment

WHO = {"version": "v1", "candidate": "sha256:1"}
KEY = bytes(range(32))
FILES = {"config.json": b'{"a": 1}', "weights.safetensors": os.urandom(CHUNK * 2 + 7), "empty.json": b""}


@pytest.fixture
def key(tmp_path: Path) -> KeyFile:
    return KeyFile.make(tmp_path / "keys" / "sealing.key")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where plaintext goes in these tests."""
    return tmp_path / "open"


@pytest.fixture
def sealed(model: Path, key: KeyFile, tmp_path: Path) -> Path:
    seal_folder(model, tmp_path / "sealed", key, identity=WHO)
    return tmp_path / "sealed"


def stream(data: bytes, *, name: str = "w", binding: str = "b", chunk: int = 64) -> bytes:
    out = io.BytesIO()
    encrypt(io.BytesIO(data), out, KEY, binding=binding, name=name, chunk=chunk)
    return out.getvalue()


def opened(data: bytes, *, key: bytes = KEY, name: str = "w", binding: str = "b") -> bytes:
    out = io.BytesIO()
    decrypt(io.BytesIO(data), out, key, binding=binding, name=name)
    return out.getvalue()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 1000])
def test_a_stream_opens_to_what_was_sealed_and_is_as_long_as_said(size: int) -> None:
    data = os.urandom(size)
    whole = stream(data)
    assert (opened(whole), len(whole)) == (data, sealed_size(size, 64))


def test_the_same_bytes_are_sealed_differently_each_time() -> None:
    assert stream(b"same") != stream(b"same")


def test_every_flipped_bit_is_refused() -> None:
    whole = stream(os.urandom(100))
    for bit in range(len(whole) * 8):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NotIntact):
            opened(bytes(altered))


def test_every_cut_and_every_addition_is_refused() -> None:
    whole = stream(os.urandom(128))
    for length in range(len(whole)):
        with pytest.raises(NotIntact):
            opened(whole[:length])
    for tail in (b"\0", whole[44:], whole):
        with pytest.raises(NotIntact):
            opened(whole + tail)


def test_chunks_that_change_places_are_left_out_or_come_twice_are_refused() -> None:
    whole = stream(os.urandom(64 * 4))
    head, chunks = whole[:44], [whole[44 + 80 * index : 44 + 80 * (index + 1)] for index in range(4)]
    first, second, third, last = chunks
    for order in (
        [second, first, third, last],
        [first, third, last],
        [first, second, second, third, last],
        [first, second, last, third],
        [first, second, third],
    ):
        with pytest.raises(NotIntact):
            opened(head + b"".join(order))


def test_a_chunk_of_another_stream_under_the_same_key_and_name_is_refused() -> None:
    one, other = stream(os.urandom(128)), stream(os.urandom(128))
    with pytest.raises(NotIntact, match="chunk 1 does not prove itself"):
        opened(one[: 44 + 80] + other[44 + 80 :])


@pytest.mark.parametrize("wrong", [{"key": bytes(32)}, {"name": "v"}, {"binding": "c"}])
def test_another_key_name_or_release_does_not_open_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotIntact, match="chunk 0 does not prove itself"):
        opened(stream(b"data"), **wrong)


def test_nothing_of_a_bad_chunk_is_written() -> None:
    data, out = os.urandom(128), io.BytesIO()
    whole = bytearray(stream(data))
    whole[-1] ^= 1
    with pytest.raises(NotIntact):
        decrypt(io.BytesIO(bytes(whole)), out, KEY, binding="b", name="w")
    assert out.getvalue() == data[:64]


def test_memory_stays_at_a_few_chunks_however_long_the_file_is() -> None:
    program = """
import resource, sys
from workloads.sealed_stream import decrypt, encrypt
key = bytes(32)
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as out:
    encrypt(source, out, key, binding="b", name="w")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[2], "rb") as source, open("/dev/null", "wb") as out:
    decrypt(source, out, key, binding="b", name="w")
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for size in (4 << 20, 64 << 20):
            plain = Path(folder) / "plain"
            with plain.open("wb") as stream:
                stream.truncate(size)
            done = subprocess.run([sys.executable, "-c", program, str(plain), f"{folder}/sealed"], capture_output=True, text=True, check=True)
            peaks.append(max(map(int, done.stdout.split())))
    assert peaks[1] - peaks[0] < 8 << 10, "KiB more for a file that is 60 MiB longer"


def test_a_folder_opens_to_its_files_in_private_and_leaves_nothing(sealed: Path, key: KeyFile, place: Path) -> None:
    assert sorted(path.name for path in sealed.iterdir()) == ["config.json.sealed", "empty.json.sealed", "sealing.json", "weights.safetensors.sealed"]
    assert not any(FILES["config.json"] in path.read_bytes() for path in sealed.iterdir())
    with open_folder(sealed, key, identity=WHO, parent=place) as found:
        assert {path.name: path.read_bytes() for path in found.folder.iterdir()} == FILES
        modes = {path.stat().st_mode & 0o777 for path in found.folder.iterdir()}
        assert (found.sealed, modes, found.folder.stat().st_mode & 0o777, found.folder.parent.stat().st_mode & 0o777) == (True, {0o600}, 0o700, 0o700)
    found.close()
    assert list(place.iterdir()) == []


def swap(folder: Path) -> None:
    one, other = folder / "config.json.sealed", folder / "empty.json.sealed"
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)


def cut(folder: Path) -> None:
    path = folder / "weights.safetensors.sealed"
    os.truncate(path, sealed_size(CHUNK * 2))


def change(**facts: Any) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        write_json(folder / "sealing.json", {**read_json(folder / "sealing.json", what="", next=""), **facts})

    return alter


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (swap, "does not open"),
        (cut, "weights.safetensors does not open"),
        (lambda folder: (folder / "config.json.sealed").unlink(), "other files than it says"),
        (lambda folder: (folder / "evil.pkl").write_bytes(b""), "other files than it says"),
        (lambda folder: (folder / "config.json").write_bytes(b"{}"), "other files than it says"),
        (change(schema="falaj.sealed/2"), "not a sealing document"),
        (change(files={}), "not a sealing document"),
        (change(files={"../x.json": {"digest": "sha256:1", "bytes": 1}}), "not a sealing document"),
        (change(key=None), "not a sealing document"),
        (change(binding="sha256:0"), "sealed for another release"),
        (change(files={"config.json": {"digest": "sha256:1", "bytes": 8}}), "sealed for another release"),
    ],
)
def test_an_altered_folder_is_refused_and_leaves_no_plaintext(alter: Callable[[Path], None], message: str, sealed: Path, key: KeyFile, place: Path) -> None:
    alter(sealed)
    with pytest.raises(NotIntact, match=message):
        open_folder(sealed, key, identity=WHO, parent=place)
    assert not place.exists() or list(place.iterdir()) == []


def test_a_folder_sealed_for_one_release_does_not_open_as_another(sealed: Path, key: KeyFile, place: Path) -> None:
    for other in ({**WHO, "version": "v2"}, {**WHO, "candidate": "sha256:2"}):
        with pytest.raises(NotIntact, match="sealed for another release"):
            open_folder(sealed, key, identity=other, parent=place)


def test_the_data_key_of_one_release_does_not_open_in_another(model: Path, sealed: Path, key: KeyFile, tmp_path: Path, place: Path) -> None:
    other = {**WHO, "version": "v2"}
    document = seal_folder(model, tmp_path / "second", key, identity=other)
    change(key=document["key"])(sealed)
    with pytest.raises(Denied, match="the data key does not open"):
        open_folder(sealed, key, identity=WHO, parent=place)


def test_another_key_file_or_none_does_not_open_it(sealed: Path, tmp_path: Path, place: Path) -> None:
    with pytest.raises(Denied, match="the data key does not open"):
        open_folder(sealed, KeyFile.make(tmp_path / "other.key"), identity=WHO, parent=place)
    with pytest.raises(UsageError, match="the model is sealed and there is no key"):
        open_folder(sealed, None, identity=WHO, parent=place)
    assert not place.exists()


def test_a_file_that_could_not_be_loaded_is_not_sealed_either(model: Path, key: KeyFile, tmp_path: Path) -> None:
    (model / "weights.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(NotAModel, match=r"weights\.pkl is not loaded"):
        seal_folder(model, tmp_path / "sealed", key, identity=WHO)
    assert not (tmp_path / "sealed").exists()


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond one and a half chunks: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK * 3 // 2, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_a_disk_that_is_full_while_opening_leaves_no_plaintext(sealed: Path, key: KeyFile, place: Path, small_disk: None) -> None:
    with pytest.raises(Fault, match=os.strerror(errno.EFBIG)):
        open_folder(sealed, key, identity=WHO, parent=place)
    assert list(place.iterdir()) == []


def test_a_disk_that_is_full_while_sealing_leaves_no_half_of_it(model: Path, key: KeyFile, tmp_path: Path, small_disk: None) -> None:
    with pytest.raises(Fault, match="could not be written"):
        seal_folder(model, tmp_path / "sealed", key, identity=WHO)
    assert not (tmp_path / "sealed").exists()


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_is_kept(sealed: Path, key: KeyFile, place: Path, tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from workloads.sealing import open_folder
from workloads.sealing_keys import KeyFile
found = open_folder(Path(sys.argv[1]), KeyFile(Path(sys.argv[2])), identity={"version": "v1", "candidate": "sha256:1"}, parent=Path(sys.argv[3]))
if sys.argv[4] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""
    arguments = [sys.executable, "-c", program, str(sealed), str(tmp_path / "keys/sealing.key"), str(place)]
    assert subprocess.run([*arguments, "end"], check=False).returncode == 0
    assert list(place.iterdir()) == [], "removed at exit"
    assert subprocess.run([*arguments, "kill"], check=False).returncode == -signal.SIGKILL
    assert len(list(place.iterdir())) == 1
    with open_folder(sealed, key, identity=WHO, parent=place) as mine:
        assert list(place.iterdir()) == [mine.folder.parent]
        assert (sweep(place), mine.folder.is_dir()) == (0, True)


def test_plaintext_goes_to_memory_where_there_is_room_and_else_to_the_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr(sealing, "in_memory", lambda place: place == Path("/dev/shm"))
    assert sealing.private_parent(1) == (Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(sealing.tempfile.gettempdir()))
    assert sealing.private_parent(1 << 60) == Path(sealing.tempfile.gettempdir())
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(sealing, "in_memory", lambda place: place == tmp_path)
    assert sealing.private_parent(1) == tmp_path


def test_a_key_file_that_others_may_read_or_that_is_no_key_is_refused(key: KeyFile, tmp_path: Path) -> None:
    path = tmp_path / "keys/sealing.key"
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o660, 0o666):
        path.chmod(mode)
        with pytest.raises(UsageError, match="the sealing key is open to others"):
            KeyFile(path)
    path.chmod(0o440)
    assert KeyFile(path, credentials=str(path.parent)) is not None, "systemd's credentials carry the service's right in the group's bits"
    path.chmod(0o444)
    with pytest.raises(UsageError, match="the sealing key is open to others"):
        KeyFile(path, credentials=str(path.parent))
    path.chmod(0o600)
    for text in (b"", b"short", b"!" * 44, b"A" * 60):
        path.write_bytes(text)
        with pytest.raises(UsageError, match="the sealing key is no key"):
            KeyFile(path)
    with pytest.raises(UsageError, match="there is a key already"):
        KeyFile.make(path)
    with pytest.raises(UsageError, match="the sealing key cannot be read"):
        KeyFile(tmp_path / "none.key")


def test_the_environment_names_the_key(key: KeyFile, tmp_path: Path) -> None:
    assert from_environment({}) is None
    assert isinstance(from_environment({"FALAJ_SEALING_KEY": str(tmp_path / "keys/sealing.key")}), KeyFile)
    assert isinstance(from_environment({"FALAJ_SEALING_KEY": "kms:alias/models"}), KmsKey)
    with pytest.raises(UsageError, match="the sealing key has no name"):
        from_environment({"FALAJ_SEALING_KEY": "kms:"})


def test_a_sealed_release_verifies_and_opens_and_one_with_a_pickle_is_refused(falaj_home: Path, model: Path, key: KeyFile, tmp_path: Path, place: Path) -> None:
    document = {**WHO, "run": "r", "profile": {}}
    for name, pack in (("sealed", lambda target: seal_folder(model, target, key, identity=WHO)), ("plain", lambda target: shutil.copytree(model, target))):
        pack(tmp_path / name / "model")
        release = seal(tmp_path / name, document, signing_key_file())
        with open_model(release, key, parent=place) as found:
            assert (found.sealed, {path.name: path.read_bytes() for path in found.folder.iterdir()}) == (name == "sealed", FILES)
    assert (tmp_path / "plain/model/config.json").is_file(), "what was never sealed is not removed"
    (tmp_path / "plain/model/weights.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(NotAModel, match=r"weights\.bin is not loaded"):
        open_model(seal(tmp_path / "plain", document, signing_key_file()), key)


class Kms:
    """moto's KMS, or a stand-in that answers an error."""

    def __init__(self, code: str) -> None:
        self._code = code

    def generate_data_key(self, **_: Any) -> Any:
        self._fail()

    def decrypt(self, **_: Any) -> Any:
        self._fail()

    def _fail(self) -> None:
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "Decrypt")


@pytest.fixture(scope="module")
def kms() -> Iterator[tuple[Any, list[str]]]:
    """A client of moto's KMS and two keys in it."""
    import boto3
    from moto import mock_aws

    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        client = boto3.client("kms", region_name="me-central-1")
        yield client, [client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]


def test_kms_opens_what_it_sealed_for_the_same_release_alone(kms: tuple[Any, list[str]], model: Path, tmp_path: Path, place: Path) -> None:
    client, (mine, other) = kms
    document = seal_folder(model, tmp_path / "sealed", KmsKey(client, mine), identity=WHO)
    assert (document["key"]["kind"], document["key"]["id"].endswith(mine)) == ("kms", True)
    with open_folder(tmp_path / "sealed", KmsKey(client, mine), identity=WHO, parent=place) as found:
        assert {path.name: path.read_bytes() for path in found.folder.iterdir()} == FILES
    context = {"falaj-release": "v1", "falaj-binding": document["binding"]}
    assert len(KmsKey(client, mine).unwrap(document["key"], context)) == 32
    with pytest.raises(Denied, match="the data key does not open"):
        KmsKey(client, mine).unwrap(document["key"], {**context, "falaj-release": "v2"})
    with pytest.raises(Denied):
        KmsKey(client, other).unwrap(document["key"], context)
    with pytest.raises(Denied, match="the data key does not open"):
        KmsKey(client, mine).unwrap({**document["key"], "wrapped": "%%"}, context)
    with pytest.raises(UsageError, match="another kind of key"):
        KeyFile.make(tmp_path / "a.key").unwrap(document["key"], context)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("AccessDeniedException", Denied, "KMS does not let this identity decrypt"),
        ("DisabledException", Denied, "KMS does not let this identity decrypt"),
        ("InvalidCiphertextException", Denied, "the data key does not open"),
        ("ThrottlingException", Fault, "KMS did not answer"),
    ],
)
def test_what_kms_refuses_is_denied_and_what_it_fails_at_is_a_fault(code: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        KmsKey(Kms(code), "alias/x").unwrap({"kind": "kms", "wrapped": "AAAA"}, {})


def test_a_release_whose_kms_says_no_leaves_no_plaintext(kms: tuple[Any, list[str]], model: Path, tmp_path: Path, place: Path) -> None:
    client, (mine, _) = kms
    seal_folder(model, tmp_path / "sealed", KmsKey(client, mine), identity=WHO)
    with pytest.raises(Denied, match="KMS does not let"):
        open_folder(tmp_path / "sealed", KmsKey(Kms("AccessDeniedException"), mine), identity=WHO, parent=place)
    assert not place.exists()
