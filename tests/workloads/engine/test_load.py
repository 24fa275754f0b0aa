from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from falaj.errors import Denied, UsageError
from workloads.engine import load as loading
from workloads.engine.load import Choice, choose, load

NATIVE = "workloads.engine.native_engine"


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A native engine that can be had until its `reason` says otherwise."""
    module = SimpleNamespace(reason=None, NativeEngine=SimpleNamespace(load=lambda folder, **given: ("native", folder, given)))
    module.problem = lambda: module.reason
    monkeypatch.setitem(sys.modules, NATIVE, module)
    return module


def test_the_native_engine_is_taken_where_it_can_be_had(native: SimpleNamespace) -> None:
    assert choose({}) == Choice("native", "it is the fastest and this machine can run it")
    assert choose({"FALAJ_SERVE_ENGINE": "native"}) == Choice("native", "FALAJ_SERVE_ENGINE asks for it")
    assert choose({"FALAJ_SERVE_ENGINE": "onnx"}) == Choice("onnx", "FALAJ_SERVE_ENGINE asks for it")


def test_where_it_cannot_be_had_onnx_runtime_is_taken_and_it_is_said_why(native: SimpleNamespace) -> None:
    native.reason = "there is no compiler"
    assert choose({}) == Choice("onnx", "the native engine cannot be had here: there is no compiler")
    with pytest.raises(UsageError, match="native engine cannot be had") as caught:
        choose({"FALAJ_SERVE_ENGINE": "native"})
    assert caught.value.why == "there is no compiler"


def test_another_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="no such engine"):
        choose({"FALAJ_SERVE_ENGINE": "torch"})


def test_without_the_native_module_there_is_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, NATIVE, None)
    assert choose({}).name == "onnx"


def test_a_folder_is_looked_at_before_anything_of_it_is_loaded(tmp_path: Path, native: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not complete") as caught:
        load(tmp_path, environ={"FALAJ_SERVE_ENGINE": "onnx"})
    assert (caught.value.given or "").endswith("lacks config.json, tokenizer.json, weights.safetensors, decoder.onnx, encoder.onnx")
    for name in ("config.json", "tokenizer.json", "weights.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(Denied):
        load(tmp_path, environ={})
    monkeypatch.setattr(loading, "require_safe", lambda folder: None)
    assert load(tmp_path, threads=2, slots=3, environ={}) == ("native", tmp_path, {"threads": 2, "slots": 3, "longest": None})
