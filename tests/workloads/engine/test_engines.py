from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from falaj.errors import Fault, UsageError
from tests.workloads.engine.engines import TorchEngine, torch_model
from tests.workloads.small import tiny_model
from workloads.engine import graphs, native_build, onnx_engine, weights
from workloads.engine.native_engine import NativeEngine, problem
from workloads.engine.onnx_engine import OnnxEngine
from workloads.engine.protocol import Engine, Full
from workloads.recipes import SEED

NATIVE = native_build.classes() if problem() is None else ()
"""Classes of instructions that this machine has, where it has a compiler."""
KINDS = ("onnx", *NATIVE)

CHANCE = np.random.default_rng(4)
SOURCES = [[*CHANCE.integers(2, 6000, count).tolist(), 1] for count in (5, 70, 20, 1, 79, 33)]
TARGETS = [[0, *CHANCE.integers(2, 6000, 8).tolist()] for _ in SOURCES]


def loaded(kind: str, folder: Path, **given: Any) -> Engine:
    """The engine of a kind, on one thread unless another number is given."""
    given = {"threads": 1, **given}
    return OnnxEngine.load(folder, **given) if kind == "onnx" else NativeEngine.load(folder, instructions=kind, **given)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The seed in each way of storing weights."""
    root, model = tmp_path_factory.mktemp("seed"), torch_model(SEED)
    found = {}
    for kind, group in (("f32", 0), ("w8", 0), ("w8", 32), ("w8", 128)):
        name = f"{kind}-{group}"
        found[name] = weights.write(model, SEED / "tokenizer.json", root / name, kind=kind, group=group, input_tokens=80, target_tokens=20)
        graphs.write(found[name])
    return found


def fed(engine: Any, which: Sequence[int]) -> NDArray[np.float32]:
    """Logits [text, step, vocabulary] of some of the texts, in one batch; their slots are given back."""
    slots = engine.admit([SOURCES[index] for index in which])
    found = [engine.step(slots, [TARGETS[index][place] for index in which]).copy() for place in range(len(TARGETS[0]))]
    engine.free(slots)
    return np.stack(found, axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_pytorchs_own(folders: dict[str, Path], kind: str) -> None:
    expected = fed(TorchEngine(torch_model(SEED)), range(len(SOURCES)))
    for name, bound in (("f32-0", 1e-5), ("w8-0", 0.06), ("w8-32", 0.04), ("w8-128", 0.06)):
        engine = loaded(kind, folders[name], slots=6)
        assert engine.name.startswith("onnx " if kind == "onnx" else f"native {kind} ") and engine.name.endswith(" x1")
        assert np.abs(fed(engine, range(len(SOURCES))) - expected).max() < bound * np.abs(expected).max(), name
        engine.close()


def test_where_the_processor_lacks_vnni_the_product_is_as_exact(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    usual = OnnxEngine.load(folders["w8-0"], threads=1, slots=6)
    monkeypatch.setattr(onnx_engine, "_instructions", lambda: "avx2")
    other = OnnxEngine.load(folders["w8-0"], threads=1, slots=6)
    assert other.name == "onnx avx2 x1"
    expected = fed(usual, range(len(SOURCES)))
    assert np.abs(fed(other, range(len(SOURCES))) - expected).max() < 1e-4 * np.abs(expected).max()
    usual.close()
    other.close()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["f32-0", "w8-0", "w8-32", "w8-128"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_texts_logits_do_not_depend_on_its_neighbours(folders: dict[str, Path], kind: str, name: str, threads: int) -> None:
    engine = loaded(kind, folders[name], threads=threads, slots=6)
    together = fed(engine, range(len(SOURCES)))
    for which in ([0], [1], [4, 0], [2, 3, 5], [5, 4, 3, 2, 1]):
        assert np.abs(fed(engine, which) - together[which]).max() <= engine.invariance
    engine.close()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    model = torch_model(tiny_model(folder / "torch"))
    graphs.write(weights.write(model, SEED / "tokenizer.json", folder / "model", kind="f32", input_tokens=80, target_tokens=20))
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_come_go_fork_and_wait_in_any_order_are_those_of_an_engine_that_runs_each_alone(tiny: Path, kind: str) -> None:
    engine, plain = loaded(kind, tiny / "model", slots=6, longest=30), TorchEngine(torch_model(tiny / "torch"), slots=6, longest=30)
    chance = np.random.default_rng(8)
    pairs: list[tuple[int, int]] = []
    for _ in range(160):
        action = chance.integers(0, 10)
        if action < 2 and len(pairs) < 6:
            sources = [SOURCES[chance.integers(0, 6)] for _ in range(min(6 - len(pairs), int(chance.integers(1, 4))))]
            pairs += zip(engine.admit(sources), plain.admit(sources), strict=True)
        elif action == 2 and 0 < len(pairs) < 6:
            ours, theirs = pairs[chance.integers(0, len(pairs))]
            pairs.append((engine.fork(ours), plain.fork(theirs)))
        elif action == 3 and pairs:
            gone = [pairs.pop(chance.integers(0, len(pairs))) for _ in range(int(chance.integers(1, len(pairs) + 1)))]
            engine.free([ours for ours, _ in gone])
            plain.free([theirs for _, theirs in gone])
        elif pairs:
            pairs = [pairs[index] for index in chance.permutation(len(pairs))]
            chosen = [pair for pair in pairs[: int(chance.integers(1, len(pairs) + 1))] if len(plain.held[pair[1]][1]) < 30]
            if chosen:
                tokens = chance.integers(2, 6000, len(chosen)).tolist()
                found, expected = engine.step([ours for ours, _ in chosen], tokens), plain.step([theirs for _, theirs in chosen], tokens)
                assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_room_beyond_the_slots_and_the_length(tiny: Path, kind: str) -> None:
    engine = loaded(kind, tiny / "model", slots=2, longest=3)
    slots = engine.admit(SOURCES[:2])
    with pytest.raises(Full):
        engine.admit(SOURCES[:1])
    with pytest.raises(Full):
        engine.fork(slots[0])
    for _ in range(3):
        engine.step(slots, [3, 4])
    with pytest.raises(Full):
        engine.step(slots[1:], [5])
    engine.free(slots[:1])
    with pytest.raises(Full):
        engine.admit(SOURCES[:2])
    # A full row beside it is passed over and stays whole.
    other = engine.admit(SOURCES[2:3])
    assert engine.step_greedy(other, [0]).tolist() == engine.step(engine.free(other) or engine.admit(SOURCES[2:3]), [0]).argmax(axis=1).tolist()
    engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_engine_can_read_or_step_is_refused_and_takes_nothing(tiny: Path, kind: str) -> None:
    engine = loaded(kind, tiny / "model", slots=2)
    for bad in ([], [5] * 81):
        with pytest.raises(ValueError, match="1 to 80 tokens"):
            engine.admit([SOURCES[0], bad])
    with pytest.raises(Exception, match="indices element out of data bounds|tokens are from 0 to 5999"):
        engine.admit([[999_999, 1]])
    slots = engine.admit(SOURCES[:2])
    with pytest.raises(ValueError, match="once at a time"):
        engine.step([slots[0], slots[0]], [1, 1])
    engine.free(slots)
    with pytest.raises(KeyError):
        engine.step(slots, [1, 1])
    assert (engine.admit([]), len(engine.step([], []))) == ([], 0)
    engine.close()


@pytest.mark.parametrize(
    ("kind", "name"),
    [*(("onnx", name) for name in ("encoder.onnx", "decoder.onnx", "config.json", "weights.safetensors"))]
    + [(kind, name) for kind in NATIVE[:1] for name in ("config.json", "weights.safetensors")],
)
def test_a_file_that_is_cut_is_refused(tiny: Path, tmp_path: Path, kind: str, name: str) -> None:
    for path in (tiny / "model").iterdir():
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(content[: len(content) // 2] if path.name == name else content)
    with pytest.raises(UsageError, match="cannot be (loaded|read)"):
        loaded(kind, tmp_path, slots=1)


def test_vectors_and_tiles_give_the_same_answer_to_the_last_bit(folders: dict[str, Path]) -> None:
    if not {"amx", "avx512vnni"} <= set(NATIVE):
        pytest.skip("this processor has no tiles")
    tiles, vectors = (loaded(kind, folders["w8-0"], slots=6) for kind in ("amx", "avx512vnni"))
    assert (fed(tiles, range(len(SOURCES))) == fed(vectors, range(len(SOURCES)))).all()
    tiles.close()
    vectors.close()


@pytest.mark.parametrize("kind", NATIVE)
def test_the_likeliest_token_is_the_first_of_the_largest_logits(folders: dict[str, Path], kind: str) -> None:
    engine = loaded(kind, folders["w8-0"], threads=2, slots=6)
    slots, others = engine.admit(SOURCES[:3]), engine.admit(SOURCES[:3])
    for place in range(5):
        tokens = [target[place] for target in TARGETS[:3]]
        assert engine.step_greedy(slots, tokens).tolist() == engine.step(others, tokens).argmax(axis=1).tolist()
    engine.close()


@pytest.mark.parametrize("kind", NATIVE[:1])
def test_logits_that_are_no_numbers_are_a_fault_and_stay_with_their_model(tiny: Path, tmp_path: Path, kind: str) -> None:
    from safetensors.numpy import load_file, save_file

    for path in (tiny / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    held = load_file(tmp_path / "weights.safetensors")
    save_file({**held, "decoder.norm": held["decoder.norm"] * np.float32("inf")}, tmp_path / "weights.safetensors")
    engine = loaded(kind, tmp_path, slots=1)
    with pytest.raises(Fault, match="no numbers"):
        engine.step_greedy(engine.admit(SOURCES[:1]), [0])
    engine.close()


@pytest.mark.parametrize("kind", NATIVE[:1])
def test_heads_of_a_width_that_the_kernels_do_not_know_are_left_to_onnx_runtime(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from workloads.engine.load import load

    model = torch_model(tiny_model(tmp_path / "torch", d_kv=8))
    folder = weights.write(model, SEED / "tokenizer.json", tmp_path / "model", kind="f32", input_tokens=80, target_tokens=20)
    graphs.write(folder)
    with pytest.raises(UsageError, match="native engine cannot run this model"):
        loaded(kind, folder, slots=1)
    with pytest.raises(UsageError, match="native engine cannot run this model"):
        load(folder, slots=1, environ={"FALAJ_SERVE_ENGINE": "native"})
    engine = load(folder, threads=1, slots=1, environ={})
    assert engine.name.startswith("onnx ")
    engine.close()


@pytest.mark.parametrize("kind", NATIVE[:1])
@pytest.mark.parametrize(
    "name", ["embed", "head.w", "encoder.0.attention.qkv.w", "decoder.1.cross.kv.w", "decoder.0.self.bias", "decoder.norm", "encoder.2.ffn.out.w"]
)
def test_a_tensor_of_another_shape_never_reaches_the_kernels(tiny: Path, tmp_path: Path, kind: str, name: str) -> None:
    from safetensors.numpy import load_file, save_file

    for path in (tiny / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    held = load_file(tmp_path / "weights.safetensors")
    for odd in (held[name][1:], held[name].astype(np.float16 if name != "embed" else np.uint8)):
        save_file({**held, name: np.ascontiguousarray(odd)}, tmp_path / "weights.safetensors")
        with pytest.raises(UsageError, match="the model cannot be loaded"):
            loaded(kind, tmp_path, slots=1)
