"""Weights and optimiser state as files and back: plain, or sharded over ranks. Safetensors only, nothing that needs pickle."""

from __future__ import annotations

import json
import os
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.training.world import World

_WEIGHTS = "model.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_SHARDS = "shards"


@dataclass(frozen=True)
class Copy:
    """A copy in this machine's memory, taken between two steps."""

    weights: dict[str, Any]
    """Empty on ranks that have nothing of their own to write."""
    sharded: bool
    optimizer: dict[str, Any]
    plain: dict[str, dict[str, Any]]
    """The optimiser's numbers that are no tensors."""


def copied(model: Any, optimizer: Any, *, leads: bool) -> Copy:
    """Copies of what this rank writes. Under DDP the first rank writes everything; shards are written by those who hold them."""
    named = dict(model.named_parameters())
    sharded = any(hasattr(parameter, "full_tensor") for parameter in named.values())
    weights = {name: _copy(parameter) for name, parameter in named.items()} if sharded or leads else {}
    found, plain = _flat(optimizer.state_dict()) if leads else ({}, {})
    return Copy(weights, sharded, {name: _copy(tensor) for name, tensor in found.items()}, plain)


def write(copy: Copy, folder: Path, world: World) -> None:
    """Write a copy into `folder`, which is made anew. All ranks call this where weights are sharded, and where one of them cannot write all raise."""
    from safetensors.torch import save_file

    failed: Exception | None = None
    if world.leads:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _durably(folder / _OPTIMIZER, lambda path: save_file(copy.optimizer, path))
            if not copy.sharded:
                _durably(folder / _WEIGHTS, lambda path: save_file(copy.weights, path))
        except Exception as problem:  # a full disk: the library of safetensors has an error of its own for it
            failed = problem
    # Said to the others before they wait for it, or they would go on with this one while it had begun the next.
    elsewhere = copy.sharded and world.total(float(failed is not None), group=world.background)[0] > 0
    if failed is not None:
        raise failed
    if elsewhere:
        raise OSError("the first rank could not write its part")
    if not copy.sharded:
        return
    import torch.distributed.checkpoint as dcp

    writer = dcp.HuggingFaceStorageWriter(str(folder / _SHARDS), save_distributed=True)
    dcp.save(copy.weights, storage_writer=writer, process_group=world.background)


def check(folder: Path, model: Any) -> None:
    """Raise ValueError where the weights in `folder` are not those of this model, by name and shape."""
    path = folder / _WEIGHTS
    if not path.is_file():
        return
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    for name, parameter in model.named_parameters():
        if (found := header.get(name, {}).get("shape")) != list(parameter.shape):
            raise ValueError(f"it is of another architecture: {name} is {found or 'missing'}, not {list(parameter.shape)}")


def read(folder: Path, model: Any, optimizer: Any, plain: dict[str, Any], world: World) -> None:
    """Put what `write` wrote into `model` and `optimizer`, however each was laid out then and is now."""
    import torch
    from safetensors.torch import load_file

    named = dict(model.named_parameters())
    if (folder / _SHARDS).is_dir():
        import torch.distributed.checkpoint as dcp

        weights = {name: parameter.detach() for name, parameter in named.items()}
        dcp.load(weights, storage_reader=dcp.HuggingFaceStorageReader(str(folder / _SHARDS)), process_group=world.group, no_dist=world.size == 1)
        loaded = weights
    else:
        loaded = load_file(folder / _WEIGHTS)
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(_as_sharded(loaded[name], parameter))
    optimizer.load_state_dict(_deep(load_file(folder / _OPTIMIZER), plain, optimizer.state_dict()["param_groups"]))


def _copy(tensor: Any) -> Any:
    # On the CPU `cpu()` would be the tensor itself, which the next step changes.
    tensor = tensor.detach()
    return tensor.clone().contiguous() if tensor.device.type == "cpu" else tensor.cpu().contiguous()


def _as_sharded(value: Any, parameter: Any) -> Any:
    if not hasattr(parameter, "full_tensor") or hasattr(value, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def _durably(path: Path, save: Any) -> None:
    save(path)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flat(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Optimiser state as tensors by `<parameter>.<name>`, and the plain numbers beside them."""
    tensors: dict[str, Any] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if hasattr(value, "detach"):
                tensors[f"{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    return tensors, plain


def _deep(tensors: dict[str, Any], plain: dict[str, dict[str, Any]], groups: Any) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain.items()}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": groups}
