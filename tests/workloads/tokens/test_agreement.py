"""A tokenizer that is not the model's own is told before anything is made of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from falaj.errors import UsageError
from workloads.recipes import SEED
from workloads.tokens.agreement import own_tokenizer, unknown_id


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The seed's config and tokenizer, with an embedding of as many rows."""
    folder = tmp_path / "base"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(SEED / name, folder / name)
    save_file({"shared.weight": np.zeros((6000, 2), np.float16)}, folder / "model.safetensors")
    return folder


def edited(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def refused(base: Path, most_unused: int = 512) -> str:
    with pytest.raises(UsageError, match="the tokenizer is another model's") as caught:
        own_tokenizer(base, most_unused=most_unused)
    assert caught.value.exit_code == 2 and "FALAJ_BASE_MODEL" in (caught.value.next or "")
    return (caught.value.given or "").removeprefix(f"{base}: ")


def test_the_seeds_tokenizer_is_its_own_and_neither_cuts_nor_pads(base: Path) -> None:
    own = own_tokenizer(base, most_unused=0)
    assert (own.tokens, own.rows, own.digest[:7], unknown_id(own.tokenizer)) == (6000, 6000, "sha256:", 2)
    assert [len(each.ids) for each in own.tokenizer.encode_batch(["a", "word " * 299 + "word"])] == [2, 301]


def test_more_tokens_than_the_model_has_rows_are_refused(base: Path) -> None:
    edited(base / "config.json", lambda config: config.update(vocab_size=5000))
    assert refused(base) == "its weights have 6000 rows, its config says 5000; 6000 tokens, 5000 rows of weights"


def test_rows_that_a_rounded_size_leaves_unused_are_fine_and_thousands_are_not(base: Path) -> None:
    tokenizer = json.loads((base / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = tokenizer["model"]["vocab"][:5900]
    (base / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert own_tokenizer(base, most_unused=100).tokens == 5900
    assert refused(base, most_unused=99) == "5900 tokens leave 100 of 6000 rows unused (at most 99)"


def test_an_end_that_is_not_the_models_end_is_refused(base: Path) -> None:
    edited(base / "config.json", lambda config: config.update(eos_token_id=2))
    assert refused(base) == "texts end with 1 (</s>), the model's end is 2 (<unk>); </s> is 1, the model's eos_token_id is 2"


def test_a_tokenizer_that_adds_no_end_is_refused(base: Path) -> None:
    edited(base / "tokenizer.json", lambda tokenizer: tokenizer.update(post_processor=None))
    assert refused(base) == "texts end with nothing, the model's end is 1 (</s>)"


def test_padding_or_a_start_that_is_an_ordinary_token_is_refused(base: Path) -> None:
    edited(base / "config.json", lambda config: config.update(pad_token_id=4, decoder_start_token_id=5))
    assert refused(base).split("; ")[0] == "<pad> is 0, the model's pad_token_id is 4"
    assert [said.partition(" is ")[0] for said in refused(base).split("; ")[1:]] == ["the model's pad_token_id", "the model's decoder_start_token_id"]


def test_a_tokenizer_of_words_as_bert_has_one_is_refused(base: Path) -> None:
    from tokenizers import Tokenizer, models, processors

    tokenizer = Tokenizer(models.WordPiece({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(base / "tokenizer.json"))
    assert refused(base).split("; ") == [
        "5 tokens leave 5995 of 6000 rows unused (at most 512)",
        "texts end with 2 ([CLS]) 3 ([SEP]), the model's end is 1 ([UNK])",
        "<pad> is missing, the model's pad_token_id is 0",
        "</s> is missing, the model's eos_token_id is 1",
    ]
    assert unknown_id(tokenizer) == 1


@pytest.mark.parametrize("broken", ["", "{}", '{"model": "BERT"}'])
def test_a_tokenizer_that_cannot_be_read_is_named(base: Path, broken: str) -> None:
    (base / "tokenizer.json").write_text(broken)
    with pytest.raises(UsageError, match="the tokenizer cannot be read") as caught:
        own_tokenizer(base, most_unused=512)
    assert caught.value.given == str(base / "tokenizer.json")


def test_a_config_without_a_size_is_named(base: Path) -> None:
    edited(base / "config.json", lambda config: config.pop("vocab_size"))
    with pytest.raises(UsageError, match="the base model's config says no size or special token"):
        own_tokenizer(base, most_unused=512)
