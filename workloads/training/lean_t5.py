"""T5 as training needs it: the weights of a transformers model, run with fewer passes over memory.

A model of transformers is kept as it is, and stays the owner of the weights; `LeanT5` holds the same modules and runs them itself:

- the norm and its gradient are one function each, and the norm hands out the precision that the matrices want, once for all of them;
- the activation is one kernel; queries, keys and values come of one product; logits are made only where there is a label;
- the biases of the relative positions are worked out once for all layers, with causality in them;
- in fp16 the product inside the feed-forward part and its second matrix stay in fp32: that is where T5 leaves fp16's range.

Shapes: B rows, S source tokens, T target tokens, L the longer of two, H heads of this rank, D model width, K width of a head.
Raffel et al. 2020 (T5), Shazeer 2020 (gated units); the losses are those of `T5ForConditionalGeneration`, see the tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from workloads.t5_head import head_scale
from workloads.training.batches import IGNORED


class Found(NamedTuple):
    """What a model finds out about a batch."""

    loss: torch.Tensor


_TANH_GELU = frozenset({"gelu_new", "gelu_fast", "gelu_pytorch_tanh"})


def _of_one_product(x: torch.Tensor, matrices: Sequence[Any]) -> torch.Tensor:
    """What each of `matrices` makes of x, behind each other in the last axis: x is read once."""
    return functional.linear(x, torch.cat([matrix.weight.to(x.dtype) for matrix in matrices]))


def _are_split(matrices: Sequence[Any]) -> bool:
    """Whether ranks share one of them, so that it cannot be put together with others here."""
    return any(hasattr(matrix.weight, "full_tensor") for matrix in matrices)


_ROUND = 64
"""Tokens of a part are made up to a multiple of this: oneDNN prepares each shape of a product when it first comes, and that takes longer than the product."""


class _ScaledNorm(torch.autograd.Function):
    """x / rms(x) * weight over the last axis, worked out in fp32 and handed out in `dtype`. Saves its input and one number a row."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float, dtype: torch.dtype) -> torch.Tensor:
        inverse = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        return x.mul(inverse).mul_(weight).to(dtype)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        x, weight, inverse = ctx.saved_tensors
        normal, gradient = x * inverse, given[0].to(x.dtype)
        product = gradient * normal
        of_weight = product.flatten(0, -2).sum(0)
        with torch.autocast(x.device.type, enabled=False):  # compiled, this is traced as the forward pass is
            along = (product @ weight).unsqueeze(-1).div_(x.shape[-1])
        return torch.mul(gradient, weight, out=product).addcmul_(normal, along, value=-1).mul_(inverse), of_weight, None, None


class Norm(nn.Module):
    """T5's layer norm: no mean is taken off, no bias is added."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        # The module and not its weight: whoever shards weights puts others into the modules that they find.
        self.source = source

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., D) in fp32 -> the same shape, in the precision of the matrices."""
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        return _ScaledNorm.apply(x, self.source.weight, self.source.variance_epsilon, dtype)


def _rows(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """x (N, ...), table (B, S) of numbers of rows -> (B, S, ...). Whole rows are copied, where indexing would go from number to number."""
    return x.index_select(0, table.flatten()).unflatten(0, table.shape)


class _Spread(torch.autograd.Function):
    """Tokens -> their places in a padded table, for those who look at them through a mask: what stands in places of padding is another token, and no
    gradient comes from there."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, packing: Packing) -> torch.Tensor:
        ctx.packing = packing
        return _rows(x, packing.tokens)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor, None]:
        packing = ctx.packing
        found = given[0].flatten(0, 1).index_select(0, packing.places)
        if torch.compiler.is_compiling():
            # No slice here: what was compiled would hold for so many tokens, and be compiled anew where nothing, or one, had to be made up.
            return found * packing.real.view(-1, *(1,) * (found.ndim - 1)).to(found.dtype), None
        found[packing.number :] = 0
        return found, None


class _Taken(torch.autograd.Function):
    """The way back: of a padded table the places of tokens."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, packing: Packing) -> torch.Tensor:
        ctx.packing = packing
        return x.flatten(0, 1).index_select(0, packing.places)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor, None]:
        known, found = ctx.packing.known, _rows(given[0], ctx.packing.tokens)
        return found.mul_(known.view(*known.shape, *(1,) * (found.ndim - 2)).to(found.dtype)), None


class Packing(NamedTuple):
    """Where N tokens stand in a table of B texts padded to the length S. Everything but attention works on tokens alone, without padding."""

    tokens: torch.Tensor
    """(B, S): the token that stands at each place; at places of padding any."""
    places: torch.Tensor
    """(N,): the place of each token, counted through the table. Those from `number` on are there to make up a round number, and lead nowhere."""
    known: torch.Tensor
    """(B, S): whether a token stands there."""
    real: torch.Tensor
    """(N,): whether it is one of the first `number`."""
    number: int

    @classmethod
    def of(cls, known: torch.Tensor) -> Packing:
        """From `known`. A text has a token at least."""
        places = known.flatten().nonzero().squeeze(1)
        number = len(places)
        places = functional.pad(places, (0, -number % _ROUND))
        real = torch.arange(len(places), device=places.device) < number
        return cls((known.flatten().cumsum(0) - 1).clamp_(min=0).view(known.shape), places, known, real, number)

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """x (N, ...) -> (B, S, ...), to be looked at through a mask."""
        return _Spread.apply(x, self)

    def packed(self, x: torch.Tensor) -> torch.Tensor:
        """x (B, S, ...) -> (N, ...)."""
        return _Taken.apply(x, self)


class Attention(nn.Module):
    """Attention without scaling; the number of heads follows from the weights, so that a rank may hold some of them."""

    def __init__(self, source: Any, dropout: float) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = source.q, source.k, source.v, source.o
        self.width, self.dropout = source.key_value_proj_dim, dropout

    def forward(
        self, x: torch.Tensor, memory: torch.Tensor | None, bias: torch.Tensor | None, hidden: torch.Tensor | None, here: Packing | None, there: Packing | None
    ) -> torch.Tensor:
        """x (B, T, D) attends to `memory` (B, S, D), or to itself; `bias` and `hidden` are added to the scores, as which they can be broadcast.
        With `here` x is (N, D), with `there` so is `memory`."""
        if memory is None:
            q, k, v = self._heads(x, here, self.q, self.k, self.v)
        else:
            (q,), (k, v) = self._heads(x, here, self.q), self._heads(memory, there, self.k, self.v)
        if x.device.type == "cpu":
            # Written out: the CPU's fused kernel knows no gradient of a bias, and its stand-in makes more copies than this.
            scores = q @ k.transpose(-1, -2)
            for added in (bias, hidden):
                if added is not None:
                    scores = scores.add_(added.to(scores.dtype))
            # Worked out in fp32, whatever the precision around it.
            shares = functional.softmax(scores, dim=-1)
            found = functional.dropout(shares, self.dropout, self.training) @ v
        else:
            added = next((each.to(q.dtype) for each in (bias, hidden) if each is not None), None)
            found = functional.scaled_dot_product_attention(q, k, v, attn_mask=added, dropout_p=self.dropout if self.training else 0.0, scale=1.0)
        found = found.transpose(1, 2)
        return self.o((found if here is None else here.packed(found)).flatten(-2))

    def _heads(self, x: torch.Tensor, packing: Packing | None, *matrices: Any) -> Sequence[torch.Tensor]:
        """What each of `matrices` makes of x (B, T, D), as (B, H, T, K): by one product, which reads x once, where none is split over ranks."""
        padded = packing.padded if packing is not None else lambda x: x
        if len(matrices) == 1 or _are_split(matrices):
            return [padded(matrix(x)).unflatten(-1, (-1, self.width)).transpose(1, 2) for matrix in matrices]
        found = padded(_of_one_product(x, matrices))
        return found.unflatten(-1, (len(matrices), -1, self.width)).permute(2, 0, 3, 1, 4).contiguous().unbind()


class FeedForward(nn.Module):
    """The feed-forward part, gated or plain."""

    def __init__(self, source: Any, activation: str, dropout: float) -> None:
        super().__init__()
        self.gated = hasattr(source, "wi_0")
        if self.gated:
            self.wi_0, self.wi_1 = source.wi_0, source.wi_1
        else:
            self.wi = source.wi
        self.wo, self.dropout = source.wo, dropout
        self._known = "tanh" if activation in _TANH_GELU else "relu" if activation == "relu" else ""
        self._act = source.act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (B, T, D) -> the same shape."""
        if self.gated and x.dtype != torch.float16 and not _are_split((self.wi_0, self.wi_1)):
            gate, up = _of_one_product(x, (self.wi_0, self.wi_1)).chunk(2, dim=-1)
            return self.wo(functional.dropout(self._activated(gate) * up, self.dropout, self.training))
        inner = self._activated(self.wi_0(x) if self.gated else self.wi(x))
        if x.dtype == torch.float16:
            # Some of T5's inner values are beyond 65504, the largest number of fp16.
            with torch.autocast(x.device.type, enabled=False):
                inner = inner.float() * self.wi_1(x.to(self.wi_1.weight.dtype)).float() if self.gated else inner.float()
                return self.wo(functional.dropout(inner, self.dropout, self.training))
        if self.gated:
            inner = inner * self.wi_1(x)
        return self.wo(functional.dropout(inner, self.dropout, self.training))

    def _activated(self, x: torch.Tensor) -> torch.Tensor:
        if self._known == "tanh":
            return functional.gelu(x, approximate="tanh")
        return functional.relu(x) if self._known == "relu" else self._act(x)


class Block(nn.Module):
    """One layer of a stack: attention to itself, in the decoder to the encoder's answer too, and the feed-forward part."""

    def __init__(self, source: Any, activation: str, dropout: float) -> None:
        super().__init__()
        parts, self.dropout = source.layer, dropout
        self.own_norm, self.own = Norm(parts[0].layer_norm), Attention(parts[0].SelfAttention, dropout)
        self.crosses = len(parts) == 3
        if self.crosses:
            self.cross_norm, self.cross = Norm(parts[1].layer_norm), Attention(parts[1].EncDecAttention, dropout)
        self.inner_norm, self.inner = Norm(parts[-1].layer_norm), FeedForward(parts[-1].DenseReluDense, activation, dropout)

    def forward(
        self,
        x: torch.Tensor,
        bias: torch.Tensor,
        hidden: torch.Tensor | None,
        here: Packing | None,
        memory: torch.Tensor | None,
        memory_hidden: torch.Tensor | None,
        there: Packing | None,
    ) -> torch.Tensor:
        """x (B, T, D), packed (N, D), in fp32 -> the same."""
        x = x + self._dropped(self.own(self.own_norm(x), None, bias, hidden, here, here))
        if self.crosses:
            x = x + self._dropped(self.cross(self.cross_norm(x), memory, None, memory_hidden, here, there))
        return x + self._dropped(self.inner(self.inner_norm(x)))

    def _dropped(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Stack(nn.Module):
    """The encoder or the decoder."""

    def __init__(self, source: Any, config: Any, *, causal: bool, again: bool) -> None:
        super().__init__()
        self.positions = source.block[0].layer[0].SelfAttention.relative_attention_bias
        self.block = nn.ModuleList(Block(block, config.dense_act_fn, config.dropout_rate) for block in source.block)
        self.norm, self.dropout = Norm(source.final_layer_norm), config.dropout_rate
        self._buckets, self._distance = config.relative_attention_num_buckets, getattr(config, "relative_attention_max_distance", 128)
        self._causal, self._again = causal, again

    def forward(
        self,
        x: torch.Tensor,
        hidden: torch.Tensor | None,
        here: Packing | None,
        memory: torch.Tensor | None = None,
        memory_hidden: torch.Tensor | None = None,
        there: Packing | None = None,
    ) -> torch.Tensor:
        """x (B, T, D), packed (N, D); `hidden` (B, 1, 1, T) is added to the scores of places that nobody may see. Returns what has the shape of x."""
        bias = self._bias(x.shape[1] if here is None else here.known.shape[1], x.device)
        if hidden is not None and x.device.type != "cpu":
            # The GPU's kernel takes one of them; on a CPU the sum, a number for each row, costs more than the second addition.
            bias, hidden = bias + hidden, None
        x = functional.dropout(x, self.dropout, self.training)
        for block in self.block:
            given = (x, bias, hidden, here, memory, memory_hidden, there)
            x = checkpoint(block, *given, use_reentrant=False) if self._again and self.training else block(*given)
        return functional.dropout(self.norm(x), self.dropout, self.training)

    def _bias(self, length: int, device: torch.device) -> torch.Tensor:
        """(1, H, L, L): what T5 has learnt about each distance; in the decoder nothing of what comes later."""
        places = torch.arange(length, device=device)
        distance = places[None, :] - places[:, None]
        found = self.positions(bucket(distance, buckets=self._buckets, furthest=self._distance, both=not self._causal)).permute(2, 0, 1).unsqueeze(0)
        # In the order of the scores that it is added to: layer by layer that is quicker than by heads last.
        return (found.masked_fill(distance > 0, torch.finfo(torch.float32).min) if self._causal else found).contiguous()


def bucket(distance: torch.Tensor, *, buckets: int, furthest: int, both: bool) -> torch.Tensor:
    """The bucket of each distance (key place minus query place): single ones near by, ever wider ones up to `furthest`, one for all beyond."""
    offset = torch.zeros_like(distance)
    if both:
        buckets //= 2
        offset = (distance > 0).long() * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    near = buckets // 2
    far = near + (torch.log(distance.clamp(min=1).float() / near) / math.log(furthest / near) * (buckets - near)).long()
    return offset + torch.where(distance < near, distance, far.clamp(max=buckets - 1))


class LeanT5(nn.Module):
    """Takes a batch as `T5ForConditionalGeneration` does and gives its loss; `source` holds the same weights under their own names."""

    def __init__(self, source: Any, *, again: bool = False) -> None:
        """`again`: work activations out again in the backward pass; costs a third of the time and saves most of the memory."""
        super().__init__()
        config = source.config
        self.shared, self.head = source.shared, source.lm_head
        self.encoder = Stack(source.encoder, config, causal=False, again=again)
        self.decoder = Stack(source.decoder, config, causal=True, again=again)
        self.scale = head_scale(config)
        self.smoothing = 0.0
        """Share of the certainty that is asked for which goes to all tokens alike, while it trains."""
        self._start, self._pad = config.decoder_start_token_id, config.pad_token_id

    @property
    def draws(self) -> bool:
        """Whether its losses hang on random numbers: dropout somewhere inside."""
        return any(getattr(part, "dropout", 0.0) for part in self.modules())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> Found:
        """input_ids and attention_mask (B, S), labels (B, T) with -100 for padding. `loss` is the mean over labels, in nats."""
        hidden = (1.0 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        fed = torch.cat([labels.new_full((len(labels), 1), self._start), labels[:, :-1]], dim=1)
        asked = labels != IGNORED
        if input_ids.device.type == "cpu":
            there, here = Packing.of(attention_mask.bool()), Packing.of(asked)
            # Looked up at once: each look-up's gradient is a table as large as the vocabulary's.
            tokens = self.shared(torch.cat([input_ids.flatten()[there.places], fed.flatten()[here.places]]))
            source, target = tokens.split([len(there.places), len(here.places)])
            memory = self.encoder(source, hidden, there)
            found = self.decoder(target, None, here, memory, hidden, there)
            answers = labels.flatten()[here.places].masked_fill(~here.real, IGNORED)
        else:
            memory = self.encoder(self.shared(input_ids), hidden, None)
            found = self.decoder(self.shared(fed.masked_fill(fed == IGNORED, self._pad)), None, None, memory, hidden)[asked]
            answers = labels[asked]
        logits = self.head(found * self.scale).float()
        return Found(functional.cross_entropy(logits, answers, label_smoothing=self.smoothing if self.training else 0.0))
