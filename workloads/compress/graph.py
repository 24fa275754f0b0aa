"""T5's encoder and one decoder step as plain modules that ONNX export can trace, around the weights of a loaded model.

The encoder also gives the keys and values that every decoder layer attends to, so they are computed once per text. The decoder
takes one token and the cache so far, and gives the logits and the longer cache. Generic over T5's variants: gated or plain
activation, tied or own head, any number of layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """`input_ids`, `attention_mask` (both batch x length) -> cross keys and values of each decoder layer (batch x heads x length x width)."""

    table: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.embed, self.stack = model.shared, model.encoder
        self.cross: Any = nn.ModuleList(block.layer[1].EncDecAttention for block in model.decoder.block)
        self.register_buffer("table", _bias_table(model.encoder, model.config, both_ways=True), persistent=False)
        self.reach = model.config.relative_attention_max_distance

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        hidden = self.embed(input_ids)
        place = torch.arange(input_ids.shape[1])
        distance = (place[None, :] - place[:, None]).clamp(-self.reach, self.reach) + self.reach
        bias = self.table[distance].permute(2, 0, 1)[None] + _hidden_places(attention_mask)
        for block in self.stack.block:
            attention, feed_forward = block.layer[0], block.layer[-1]
            normed = attention.layer_norm(hidden)
            core = attention.SelfAttention
            heads = _attend(_split(core.q(normed), core), _split(core.k(normed), core), _split(core.v(normed), core), bias)
            hidden = hidden + core.o(_join(heads))
            hidden = hidden + feed_forward.DenseReluDense(feed_forward.layer_norm(hidden))
        hidden = self.stack.final_layer_norm(hidden)
        found: list[Tensor] = []
        for core in self.cross:
            found += [_split(core.k(hidden), core), _split(core.v(hidden), core)]
        return tuple(found)


class DecoderStep(nn.Module):
    """`token` (batch x 1), `attention_mask`, cross and past keys and values -> logits (batch x vocabulary), present keys and values."""

    table: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.embed, self.stack, self.head = model.shared, model.decoder, model.lm_head
        self.register_buffer("table", _bias_table(model.decoder, model.config, both_ways=False), persistent=False)
        self.reach = model.config.relative_attention_max_distance
        # T5 v1.0 ties head and embedding and scales before the head; v1.1 and FLAN do neither.
        self.scale = model.config.d_model**-0.5 if model.config.tie_word_embeddings else 1.0

    def forward(self, token: Tensor, attention_mask: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        layers = len(self.stack.block)
        cross, past = caches[: 2 * layers], caches[2 * layers :]
        hidden = self.embed(token)
        length = past[0].shape[2]
        distance = (torch.arange(length + 1) - length).clamp(-self.reach, self.reach) + self.reach
        self_bias = self.table[distance].permute(1, 0)[None, :, None, :]
        cross_bias = _hidden_places(attention_mask)
        present: list[Tensor] = []
        for index, block in enumerate(self.stack.block):
            own, other, feed_forward = block.layer
            core, normed = own.SelfAttention, own.layer_norm(hidden)
            key = torch.cat([past[2 * index], _split(core.k(normed), core)], dim=2)
            value = torch.cat([past[2 * index + 1], _split(core.v(normed), core)], dim=2)
            present += [key, value]
            hidden = hidden + core.o(_join(_attend(_split(core.q(normed), core), key, value, self_bias)))
            core = other.EncDecAttention
            query = _split(core.q(other.layer_norm(hidden)), core)
            hidden = hidden + core.o(_join(_attend(query, cross[2 * index], cross[2 * index + 1], cross_bias)))
            hidden = hidden + feed_forward.DenseReluDense(feed_forward.layer_norm(hidden))
        logits = self.head(self.stack.final_layer_norm(hidden) * self.scale)
        return (logits[:, 0], *present)


def _bias_table(stack: Any, config: Any, *, both_ways: bool) -> Tensor:
    """Row per clipped distance -reach..reach (key minus query) -> bias of each head; beyond the reach T5's buckets do not change."""
    attention = stack.block[0].layer[0].SelfAttention
    reach = config.relative_attention_max_distance
    buckets = attention._relative_position_bucket(
        torch.arange(-reach, reach + 1), bidirectional=both_ways, num_buckets=config.relative_attention_num_buckets, max_distance=reach
    )
    return attention.relative_attention_bias.weight.detach()[buckets].clone()


def _hidden_places(mask: Tensor) -> Tensor:
    """0 where the mask is 1, and so low a number elsewhere that softmax gives it nothing."""
    return (1.0 - mask[:, None, None, :].to(torch.float32)) * -1e9


def _split(values: Tensor, core: Any) -> Tensor:
    return values.view(values.shape[0], -1, core.n_heads, core.key_value_proj_dim).transpose(1, 2)


def _join(heads: Tensor) -> Tensor:
    joined = heads.transpose(1, 2)
    return joined.reshape(joined.shape[0], joined.shape[1], -1)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    # T5 does not scale by the width: its initialisation does.
    return torch.matmul(torch.softmax(torch.matmul(query, key.transpose(-1, -2)) + bias, dim=-1), value)
