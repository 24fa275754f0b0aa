"""Model folders: only safetensors, ONNX and JSON load, and a file must be what its name says."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from workloads.model_files import NotAModel, external_files, require_known_types, require_safe


def graph(*, tensors: list[Any] | None = None, nodes: list[Any] | None = None, name: str = "g") -> Any:
    return helper.make_graph(nodes or [], name, [], [], initializer=tensors or [])


def outside(location: str, name: str = "w") -> Any:
    """A tensor whose data lies in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_file({"a": np.arange(4, dtype=np.float32), "b": np.zeros(3, dtype=np.uint8)}, tmp_path / "weights.safetensors")
    onnx.save(helper.make_model(graph(tensors=[outside("weights.safetensors")])), str(tmp_path / "decoder.onnx"))
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_folder_of_the_three_kinds_is_safe_and_its_weights_are_found(model: Path) -> None:
    require_safe(model)
    assert [path.name for path in require_known_types(model)] == ["config.json", "decoder.onnx", "weights.safetensors"]
    assert external_files(model / "decoder.onnx") == {"weights.safetensors"}


@pytest.mark.parametrize("name", ["weights.pkl", "weights.bin", "model.pt", "model.npy", "run.py", "lib.so", "weights.safetensors.bak", "weights", ".hidden"])
def test_files_of_other_kinds_are_refused_by_name(name: str, model: Path) -> None:
    (model / name).write_bytes(b"x")
    with pytest.raises(NotAModel, match="files of this kind are not loaded"):
        require_safe(model)


def test_folders_and_links_are_refused(model: Path) -> None:
    (model / "more").mkdir()
    with pytest.raises(NotAModel, match="more is not loaded: it is a folder or a link"):
        require_safe(model)
    (model / "more").rmdir()
    (model / "other.json").symlink_to("/etc/hostname")
    with pytest.raises(NotAModel, match=r"other\.json is not loaded: it is a folder or a link"):
        require_safe(model)


@pytest.mark.parametrize("name", ["encoder.onnx", "more.json", "more.safetensors"])
@pytest.mark.parametrize(
    "content", [pickle.dumps({"a": [1, 2]}), b"PK\x03\x04" + bytes(60), b"\x7fELF" + bytes(60), b""], ids=["pickle", "zip", "program", "nothing"]
)
def test_a_file_of_another_kind_under_a_good_name_is_refused(name: str, content: bytes, model: Path) -> None:
    (model / name).write_bytes(content)
    with pytest.raises(NotAModel, match=f"{name} is not loaded"):
        require_safe(model)


@pytest.mark.parametrize(
    "location", ["../weights.safetensors", "/etc/passwd", "sub/weights.safetensors", "./weights.safetensors", "missing.safetensors", "", "config.json", "..\\w"]
)
def test_weights_outside_of_the_folder_or_in_no_safetensors_file_are_refused(location: str, model: Path) -> None:
    onnx.save(helper.make_model(graph(tensors=[outside(location)])), str(model / "decoder.onnx"))
    with pytest.raises(NotAModel, match=r"decoder\.onnx is not loaded: it takes weights from"):
        require_safe(model)


def in_attribute(tensor: Any) -> Any:
    return helper.make_model(graph(nodes=[helper.make_node("Constant", [], ["y"], value=tensor)]))


def in_branch(tensor: Any) -> Any:
    inner = graph(tensors=[tensor], name="inner")
    return helper.make_model(graph(nodes=[helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=graph(name="other"))]))


def in_function(tensor: Any) -> Any:
    node = helper.make_node("Constant", [], ["y"], value=tensor)
    return helper.make_model(graph(), functions=[helper.make_function("d", "f", [], ["y"], [node], [helper.make_opsetid("", 18)])])


def in_sparse(tensor: Any) -> Any:
    model = helper.make_model(graph())
    model.graph.sparse_initializer.add().values.CopyFrom(tensor)
    return model


def in_training(tensor: Any) -> Any:
    model = helper.make_model(graph())
    model.training_info.add().algorithm.initializer.append(tensor)
    return model


@pytest.mark.parametrize("hide", [in_attribute, in_branch, in_function, in_sparse, in_training])
def test_a_path_is_found_wherever_a_graph_can_hide_one(hide: Callable[[Any], Any], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(hide(outside("/etc/shadow")).SerializeToString())
    assert external_files(tmp_path / "m.onnx") == {"/etc/shadow"}


def test_a_second_value_of_a_location_does_not_hide_the_first(tmp_path: Path) -> None:
    def text(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    entry = text(1, b"location") + text(2, b"/etc/shadow") + text(2, b"weights.safetensors")
    (tmp_path / "m.onnx").write_bytes(text(7, text(5, text(13, entry))))
    assert external_files(tmp_path / "m.onnx") == {"/etc/shadow", "weights.safetensors"}


def test_an_onnx_file_cut_anywhere_is_refused_or_names_no_file_that_is_not_in_it(model: Path) -> None:
    whole = (model / "decoder.onnx").read_bytes()
    for length in range(1, len(whole)):
        (model / "cut.onnx").write_bytes(whole[:length])
        try:
            assert external_files(model / "cut.onnx") <= {"weights.safetensors"}
        except NotAModel:
            continue


def test_a_graph_nested_without_end_is_refused(tmp_path: Path) -> None:
    data = b""
    for _ in range(200):
        for tag in (0x32, 0x2A, 0x0A):  # attribute.g, node.attribute, graph.node
            data = bytes([tag]) + varint(len(data)) + data
    (tmp_path / "deep.onnx").write_bytes(b"\x3a" + varint(len(data)) + data)
    with pytest.raises(NotAModel, match="nested too deeply"):
        external_files(tmp_path / "deep.onnx")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def tensors(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"123"),
        tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12345"),
        tensors({"a": {"data_offsets": [0, 4]}, "b": {"data_offsets": [2, 6]}}, b"123456"),
        tensors({"a": {"data_offsets": [2, 6]}}, b"123456"),
        tensors({"a": {"data_offsets": [0, -4]}}),
        tensors({"a": {}}),
        tensors([]),
        struct.pack("<Q", 1 << 60) + b"{}",
    ],
    ids=["cut", "more behind", "overlap", "hole", "negative", "no offsets", "no header", "huge header"],
)
def test_safetensors_whose_offsets_lie_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(NotAModel, match=r"weights\.safetensors is not loaded"):
        require_safe(tmp_path)
