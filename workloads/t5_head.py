"""The head of a T5, of which transformers 4 and 5 say different things.

Before 5, `tie_word_embeddings` said two things: that head and embeddings are one matrix, and that states are shrunk on their way to it.
transformers 5 calls every T5 tied, gives it a head of its own where its file has one, and keeps the shrinking apart (`scale_decoder_outputs`).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def head_scale(config: Any) -> float:
    """What the last states are multiplied by before the head: T5 1.0 shares one matrix between its ends, and shrinks what goes into it."""
    return config.d_model**-0.5 if getattr(config, "scale_decoder_outputs", config.tie_word_embeddings) else 1.0


def untied(model: Any) -> Any:
    """`model`, in place, with a head of its own, as FLAN-T5 has one: transformers 5 ties the two ends of every T5 that it makes."""
    from torch.nn import Parameter

    model.lm_head.weight = Parameter(model.lm_head.weight.detach().clone())
    model.config.tie_word_embeddings = False
    return model


def config_for_all(config: Any) -> Any:
    """A copy of `config` to be written: each version reads from it whether the head is scaled."""
    config = deepcopy(config)
    config.tie_word_embeddings = head_scale(config) != 1.0
    return config
