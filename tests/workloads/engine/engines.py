"""An engine around PyTorch's own model, slow and plain: what decoding is tested on, and what other engines are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.workloads.small import tiny_model
from workloads.engine.protocol import Full, ModelConfig


def small_vocabulary(folder: Path, *, seed: int = 0, **changes: Any) -> Any:
    """A model of 20 words with random weights, so that end marks and repetitions come often."""
    import torch

    model = torch_model(tiny_model(folder, vocab_size=20, num_layers=1, num_decoder_layers=1, **changes))
    torch.manual_seed(seed)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        # Now very likely, now very unlikely: answers of many lengths.
        model.lm_head.weight[1] *= 2
    return model


def torch_model(folder: Path) -> Any:
    """The torch model in `folder`, in fp32 and ready to run."""
    import torch
    from transformers import T5ForConditionalGeneration

    # More threads than one only wait for each other on so small a model.
    torch.set_num_threads(1)
    return T5ForConditionalGeneration.from_pretrained(folder).float().eval()


class TorchEngine:
    """See `protocol.Engine`. Feeds each row its whole answer again at every step, alone."""

    name = "torch"
    invariance = 0.0

    def __init__(self, model: Any, *, slots: int = 8, longest: int = 64) -> None:
        self._model, self.slots, self.longest = model, slots, longest
        document = {"vocab_size": model.config.vocab_size, "decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
        self.config = ModelConfig.of({**document, "input_tokens": 80, "target_tokens": 20})
        self.held: dict[int, tuple[list[int], list[int]]] = {}

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        if len(self.held) + len(sources) > self.slots:
            raise Full
        free = [slot for slot in range(self.slots) if slot not in self.held]
        for slot, source in zip(free, sources, strict=False):
            self.held[slot] = (list(source), [])
        return free[: len(sources)]

    def step(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        import torch

        rows = []
        for slot, token in zip(slots, tokens, strict=True):
            source, fed = self.held[slot]
            if len(fed) == self.longest:
                raise Full
            fed.append(token)
            with torch.no_grad():
                rows.append(self._model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([fed])).logits[0, -1].numpy())
        return np.stack(rows)

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.int32]:
        return self.step(slots, tokens).argmax(axis=1).astype(np.int32)

    def fork(self, slot: int) -> int:
        found = self.admit([self.held[slot][0]])[0]
        self.held[found][1].extend(self.held[slot][1])
        return found

    def free(self, slots: Sequence[int]) -> None:
        for slot in slots:
            del self.held[slot]

    def close(self) -> None:
        self.held.clear()
