"""Whether a T5's head is scaled is read right from what either line of transformers says, and written so that both read it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workloads.t5_head import config_for_all, head_scale

FOUR_TIED, FOUR_APART = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}
FIVE_TIED, FIVE_APART = ({"tie_word_embeddings": True, "scale_decoder_outputs": scaled} for scaled in (True, False))


@pytest.mark.parametrize(
    ("said", "scale"), [(FOUR_TIED, 0.25), (FOUR_APART, 1.0), (FIVE_TIED, 0.25), (FIVE_APART, 1.0)], ids=["4 tied", "4 apart", "5 tied", "5 apart"]
)
def test_the_scale_is_read_from_either_and_stays_when_it_is_written(said: dict[str, Any], scale: float) -> None:
    config = SimpleNamespace(d_model=16, **said)
    written = config_for_all(config)
    assert head_scale(config) == head_scale(written) == scale
    assert head_scale(SimpleNamespace(d_model=16, tie_word_embeddings=written.tie_word_embeddings)) == scale
    assert vars(config) == {"d_model": 16, **said}
