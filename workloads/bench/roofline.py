"""The least time the work can take on a machine: bytes that must be read over its bandwidth, operations over its 8-bit peak.

For the INT8 model: the encoder is bound by operations; each step of the decoder reads all its weights and each row's keys and values once
(kept in 16 bits), and is bound by that or by its operations, whichever takes longer. Operations of attention itself are left out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A T5's size; the default is FLAN-T5-base."""

    width: int = 768
    inner: int = 2048
    heads: int = 12
    head_width: int = 64
    encoder_layers: int = 12
    decoder_layers: int = 12
    vocabulary: int = 32128

    @property
    def _attention(self) -> int:
        return self.width * self.heads * self.head_width

    @property
    def _ffn(self) -> int:
        return 3 * self.width * self.inner

    @property
    def encoder_weights(self) -> int:
        """Weights that each input token is multiplied with, the decoder's cross keys and values included."""
        return self.encoder_layers * (4 * self._attention + self._ffn) + self.decoder_layers * 2 * self._attention

    @property
    def decoder_weights(self) -> int:
        """Weights that each new token is multiplied with, the head over the vocabulary included."""
        return self.decoder_layers * (6 * self._attention + self._ffn) + self.vocabulary * self.width

    def cache_bytes(self, inputs: int, outputs: int) -> float:
        """Bytes of one row's keys and values that a step reads on average, at two bytes each."""
        return 2 * 2 * self.decoder_layers * self.heads * self.head_width * (inputs + outputs / 2)


BASE = Shape()


@dataclass(frozen=True)
class Work:
    """What is measured: `inputs` tokens read and `outputs` tokens forced out, for each row of a batch, greedily."""

    inputs: int = 128
    outputs: int = 64


def least_seconds(batch: int, work: Work, *, gops: float, gigabytes: float, shape: Shape = BASE) -> float:
    """Seconds that one batch takes at least at `gops` billion 8-bit operations and `gigabytes` billion bytes per second."""
    encoder = batch * work.inputs * shape.encoder_weights * 2 / (gops * 1e9)
    read = (shape.decoder_weights + batch * shape.cache_bytes(work.inputs, work.outputs)) / (gigabytes * 1e9)
    multiplied = batch * shape.decoder_weights * 2 / (gops * 1e9)
    return encoder + work.outputs * max(read, multiplied)


def most_tokens(batch: int, work: Work, *, gops: float, gigabytes: float, shape: Shape = BASE) -> float:
    """New tokens per second that a batch can reach at most."""
    return batch * work.outputs / least_seconds(batch, work, gops=gops, gigabytes=gigabytes, shape=shape)
