"""Whether a tokenizer is the model's own, as far as the two can tell: sizes, ends, padding, unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import read_json

TOKENIZER = "tokenizer.json"
_CONFIG = "config.json"
_KINDS = ("t5", "mt5")
_EMBEDDINGS = ("shared.weight", "encoder.embed_tokens.weight")
_NAMING = ("tokenizer_config.json", "special_tokens_map.json")
"""Files that may name the special tokens; the newer one first."""
_AGAIN = "name a folder (FALAJ_BASE_MODEL) whose tokenizer.json came with the weights"


@dataclass(frozen=True)
class Own:
    """A tokenizer that is its model's own, neither cutting nor padding."""

    tokenizer: Any
    digest: str
    """Of its file."""
    rows: int
    """Rows of the model's vocabulary."""
    tokens: int
    """Tokens of the tokenizer's."""


def own_tokenizer(base: Path, *, most_unused: int) -> Own:
    """The tokenizer of the model in `base`.

    Raises UsageError where it is another model's: a token without a row of weights, more than `most_unused` rows without a token, or special
    tokens that are not where the model looks for them.
    """
    tokenizer, config = read_tokenizer(base), _config(base)
    tokens = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
    if wrong := [*_sizes(tokens, config["vocab_size"], _rows(base), most_unused), *_specials(tokenizer, config, _named(base))]:
        raise UsageError(
            "the tokenizer is another model's",
            given=f"{base}: {'; '.join(wrong)}",
            allowed="the tokenizer that the model was trained with",
            why="a token is the number of a row of weights: with other numbers every text is noise to the model",
            next=_AGAIN,
        )
    return Own(tokenizer, digest_file(base / TOKENIZER), config["vocab_size"], tokens)


def read_tokenizer(base: Path) -> Any:
    """The tokenizer in the folder `base`, neither cutting nor padding. Raises UsageError when its file cannot be read."""
    from tokenizers import Tokenizer

    path = base / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as problem:  # the library raises Exception itself
        raise UsageError("the tokenizer cannot be read", given=str(path), why=str(problem).splitlines()[0], next=_AGAIN) from problem
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def unknown_id(tokenizer: Any) -> int | None:
    """The id of what stands for a piece that the vocabulary lacks; None where it lacks nothing, as with bytes."""
    model = json.loads(tokenizer.to_str())["model"]
    if model.get("byte_fallback"):
        return None
    return model["unk_id"] if model.get("unk_id") is not None else tokenizer.token_to_id(model["unk_token"]) if model.get("unk_token") else None


def _config(base: Path) -> dict[str, int]:
    value = read_json(base / _CONFIG, what="config of the base model", next=_AGAIN)
    if isinstance(value, dict) and (kind := value.get("model_type", _KINDS[0])) not in _KINDS:
        raise UsageError(
            "the base model is no T5",
            given=f"{base / _CONFIG}: model_type {kind}",
            allowed=f"{' or '.join(_KINDS)}, as google/flan-t5-base",
            why="training, compression and serving are made for this architecture",
            next="point FALAJ_BASE_MODEL to another folder",
        )
    names = ("vocab_size", "pad_token_id", "eos_token_id", "decoder_start_token_id")
    if not isinstance(value, dict) or not all(isinstance(value.get(name), int) for name in names):
        raise UsageError(
            "the base model's config says no size or special token", given=str(base / _CONFIG), allowed=f"numbers for {', '.join(names)}", next=_AGAIN
        )
    return {name: value[name] for name in names}


def _rows(base: Path) -> int | None:
    """Rows of the embedding in the weights."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(base.glob("*.safetensors")):
        try:
            with safe_open(path, framework="np") as tensors:
                names = set(tensors.keys())
                for name in _EMBEDDINGS:
                    if name in names:
                        return int(tensors.get_slice(name).get_shape()[0])
        except SafetensorError as problem:
            raise UsageError(
                "the base model's weights cannot be read", given=str(path), why=str(problem), next="fetch the file again: it is truncated or no safetensors"
            ) from problem
    return None


def _sizes(tokens: int, size: int, rows: int | None, most_unused: int) -> Iterator[str]:
    if rows is not None and rows != size:
        yield f"its weights have {rows} rows, its config says {size}"
    if tokens > size:
        yield f"{tokens} tokens, {size} rows of weights"
    elif size - tokens > most_unused:
        yield f"{tokens} tokens leave {size - tokens} of {size} rows unused (at most {most_unused})"


def _specials(tokenizer: Any, config: dict[str, int], named: dict[str, str]) -> Iterator[str]:
    end = config["eos_token_id"]
    if (found := tokenizer.encode("").ids) != [end]:
        yield f"texts end with {_told(tokenizer, found)}, the model's end is {_told(tokenizer, [end])}"
    for kind, key in (("pad_token", "pad_token_id"), ("eos_token", "eos_token_id")):
        if kind in named and (at := tokenizer.token_to_id(named[kind])) != config[key]:
            yield f"{named[kind]} is {'missing' if at is None else at}, the model's {key} is {config[key]}"
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    for key in ("pad_token_id", "decoder_start_token_id"):
        if config[key] not in special:
            yield f"the model's {key} is {_told(tokenizer, [config[key]])}, an ordinary token"


def _told(tokenizer: Any, ids: list[int]) -> str:
    return " ".join(f"{number} ({tokenizer.id_to_token(number)})" for number in ids) or "nothing"


def _named(base: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (base / name for name in _NAMING):
        value = read_json(path, what=path.name, next=_AGAIN) if path.is_file() else {}
        for kind in ("pad_token", "eos_token"):
            token = value.get(kind) if isinstance(value, dict) else None
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                found.setdefault(kind, token)
    return found
