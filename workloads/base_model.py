"""The base model as PyTorch holds it: a T5 with all of its weights, none of them made up."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from workloads.t5_classes import t5_classes

_NEXT = "name a folder (FALAJ_BASE_MODEL) whose config.json and weights were saved together"
_SHOWN = 3


def loaded(base: Path) -> Any:
    """The T5 in the folder `base`, in fp32.

    Raises UsageError for weights that cannot be read, are no numbers, or are not those of its config: transformers would put random numbers in
    place of what is missing, and train a model that looks like a bad one.
    """
    from safetensors import SafetensorError

    _, model_class = t5_classes()
    try:
        model, found = model_class.from_pretrained(base, use_safetensors=True, local_files_only=True, ignore_mismatched_sizes=True, output_loading_info=True)
    except (SafetensorError, OSError, ValueError) as problem:
        raise UsageError("the base model's weights cannot be read", given=str(base), why=str(problem).splitlines()[0], next=_NEXT) from problem
    others = [key if isinstance(key, str) else key[0] for key in found["mismatched_keys"]]
    wrong = [*_told("missing", found["missing_keys"]), *_told("of another shape", others), *_told("that no part of it reads", found["unexpected_keys"])]
    if wrong:
        raise UsageError(
            "the base model's weights are of another architecture",
            given=f"{base}: {'; '.join(wrong)}",
            allowed="the weights that its config.json describes, all of them",
            why="what is missing would be random numbers",
            next=_NEXT,
        )
    model = model.float()
    if lost := [name for name, weight in model.named_parameters() if not weight.isfinite().all()]:
        raise UsageError(
            "the base model holds weights that are no numbers",
            given=f"{base}: {'; '.join(_told('with NaN or infinity', lost))}",
            why="no step of training could bring them back; a model whose training ran away, or one that was stored in fp16, looks like this",
            next=_NEXT,
        )
    return model


def _told(how: str, names: Collection[str]) -> list[str]:
    some = ", ".join(sorted(names)[:_SHOWN])
    return [f"{len(names)} weights {how}, as {some}"] if names else []
