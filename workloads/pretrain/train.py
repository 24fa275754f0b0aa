"""Makes a seed: a model of the seed's shape, from random weights or the seed's own, trained by the project's loop with its checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.files import write_json
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.pretrain import archive
from workloads.pretrain.examples import Drawn, Example, Maker, rows_of
from workloads.pretrain.settings import Pretraining
from workloads.recipes import base_digest, base_folder
from workloads.serve.settings import threads
from workloads.t5_classes import t5_classes
from workloads.tokens.agreement import Own, own_tokenizer
from workloads.tokens.cache import cached
from workloads.tokens.limits import read_limits
from workloads.train import MODEL, RECORD, save_model
from workloads.training import memory
from workloads.training.batches import Encode, collated
from workloads.training.checkpoints import Checkpoints
from workloads.training.loop import loop, validated
from workloads.training.parts import Parts, prepared
from workloads.training.process import TERMINATED, settle_in, told_to_stop
from workloads.training.progress import Progress
from workloads.training.world import World, alone

SCHEMA = "falaj.seed/1"
_LONGEST_TEXT, _LONGEST_SYNOPSIS = 512, 64
"""Tokens of a text that are kept, of which examples are cut."""


def train(data: Path, out: Path, setting: Pretraining, *, say: Callable[[str], None] = lambda text: print(text, flush=True)) -> Artifact:
    """Train on the texts in `data` (`archive.make`) and write `model/` and the run record into `out`.

    Goes on from the last checkpoint of the same setting and data, in `OUT.checkpoint`. On SIGTERM it writes one and exits with 143. Raises Fault when
    there is not enough memory, UsageError for data that is missing or altered.
    """
    settle_in()
    artifact, texts = archive.read(data)
    recipe = setting.recipe
    base = base_folder(recipe)
    inputs = {"data": artifact.digest, "base": base_digest(recipe)}
    parameters = {"pretraining": setting.to_json()}
    out.parent.mkdir(parents=True, exist_ok=True)
    if (before := finished(out.parent, out.name, schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    memory.require(recipe, base)
    own = own_tokenizer(base, most_unused=read_limits().most_unused)
    world = alone()
    with told_to_stop() as stop:
        folder = begin(out.parent, out.name)
        parts = started(setting, base, world)
        makers = {split: _maker(texts[split], split, artifact, own, setting, out, say) for split in ("train", "validation")}
        basis = digest({"inputs": inputs, "parameters": parameters})
        checkpoints = Checkpoints(out.with_name(f"{out.name}.checkpoint"), basis, world, recipe.checkpoints, say=say)
        progress = checkpoints.load(parts.source, parts.optimizer) or Progress(basis)
        if progress.step:
            progress.resumed.append(progress.step)
            say(f"goes on at step {progress.step}")
        encode: Any = encoder(parts)
        looks = Looks(parts, encode, makers, setting, say)
        # Examples are numbers already where the loop's own rows are texts; it hands them from the one to the other and sorts them by length.
        drawn: Any = Drawn(makers["train"], setting)
        held: Any = looks.held["summarize"]
        try:
            whole = loop(parts, encode, drawn, recipe, progress, checkpoints, stop=stop, say=say, held=held, looked=looks.look)
        finally:
            checkpoints.settle()
        if not whole:
            say(f"told to stop at step {progress.step}; a checkpoint is written")
            raise SystemExit(TERMINATED)
        found = looks.better()
        if setting.stored == "bfloat16":
            parts.source.bfloat16()
        save_model(parts, base, folder / MODEL)
        write_json(folder / RECORD, _record(setting, inputs, progress, looks, found))
        finish(folder, SCHEMA, inputs=inputs, parameters=parameters, metrics={"steps": progress.step, "seconds": round(progress.seconds, 1), **found})
        checkpoints.remove()
        say(f"trained {progress.step} steps in {progress.seconds:.0f} s, {found}")
    return open_artifact(folder, schema=SCHEMA)


def started(setting: Pretraining, base: Path, world: World) -> Parts:
    """The model of `base`, with its weights or with random ones, and what trains it."""
    import torch

    from workloads.pretrain.optimizer import Pretrainer
    from workloads.t5_head import head_scale, untied
    from workloads.training.lean_t5 import LeanT5

    recipe = setting.recipe
    config_class, model_class = t5_classes()
    torch.set_num_threads(threads(os.environ))
    torch.manual_seed(recipe.seed)
    if setting.init == "seed":
        source = model_class.from_pretrained(base, use_safetensors=True, local_files_only=True, dropout_rate=0.0).float()
    else:
        config = config_class.from_pretrained(base, local_files_only=True, dropout_rate=0.0)
        source = untied(model_class(config).float())
        # A head of numbers as large as the embeddings' would be sure of everything, and wrong, before the first step.
        source.lm_head.weight.data.mul_(config.d_model**-0.5 / head_scale(config))
    model = LeanT5(source, again=recipe.again)
    model.smoothing = setting.smoothing
    for stack in (model.encoder, model.decoder):
        stack.dropout = setting.dropout
    parts = prepared(source.train(), recipe, base / "tokenizer.json", source.config.pad_token_id, world, model=model)
    return replace(parts, optimizer=Pretrainer(source, recipe.learning_rate, average=setting.average))


def encoder(parts: Parts) -> Callable[[Sequence[Example]], dict[str, Any]]:
    """Examples -> a batch as the model takes it."""
    padding, device = parts.tokenizer.padding, parts.world.device
    return lambda examples: collated([example.source for example in examples], [example.target for example in examples], padding, device)


class Looks:
    """What is said of a model on the way: losses on texts that it is trained on and on others, which part when it learns its texts by heart."""

    def __init__(self, parts: Parts, encode: Encode, makers: Mapping[str, Maker], setting: Pretraining, say: Callable[[str], None]) -> None:
        self._parts, self._encode, self._recipe, self._say = parts, encode, setting.recipe, say
        most = setting.looked_rows
        self.held = {task: makers["validation"].plain(task, most) for task in ("summarize", "section")}
        self._trained = {task: makers["train"].plain(task, most) for task in ("summarize", "section")}
        self.found: list[dict[str, float]] = []
        """Losses at each look since this process began, in nats a token."""

    def losses(self) -> dict[str, float]:
        """Loss of each task on validation texts, and, with `trained` in front, on training texts."""
        sets: dict[str, Any] = {**self.held, **{f"trained {task}": rows for task, rows in self._trained.items()}}
        return {name: round(validated(self._parts, self._encode, rows, self._recipe), 4) for name, rows in sets.items()}

    def look(self, progress: Progress) -> None:
        """Say the losses now."""
        self.found.append({"step": progress.step, **self.losses()})
        speed = progress.tokens / max(progress.seconds, 1e-6)
        self._say(f"step {progress.step}: {self.found[-1]}, {speed:.0f} tokens/s")

    def better(self) -> dict[str, Any]:
        """Put the weights or their running average, whichever does better on validation texts, into the model; returns both losses and which it was."""
        import torch

        last = self.losses()
        averages = self._parts.optimizer.averages()
        if not averages:
            return {"loss": last, "weights": "last"}
        kept = [(weight, weight.detach().clone()) for weight in self._parts.source.parameters()]
        with torch.no_grad():
            for weight, _ in kept:
                weight.copy_(averages[id(weight)])
        average = self.losses()
        if average["summarize"] <= last["summarize"]:
            return {"loss": average, "loss_of_last": last, "weights": "average"}
        with torch.no_grad():
            for weight, before in kept:
                weight.copy_(before)
        return {"loss": last, "loss_of_average": average, "weights": "last"}


def _maker(texts: Sequence[archive.Text], split: str, data: Artifact, own: Own, setting: Pretraining, out: Path, say: Callable[[str], None]) -> Maker:
    folder = out.with_name(f"{out.name}.tokens") / split
    cache = cached(folder, rows_of(texts), own, data=data.digest, lengths=(_LONGEST_TEXT, _LONGEST_SYNOPSIS), say=say)
    return Maker(texts, cache, own.tokenizer, setting)


def _record(setting: Pretraining, inputs: Mapping[str, str], progress: Progress, looks: Looks, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": "falaj.seed_record/1",
        "pretraining": setting.to_json(),
        "inputs": dict(inputs),
        "threads": threads(os.environ),
        "steps": progress.step,
        "seconds": round(progress.seconds, 1),
        "tokens": progress.tokens,
        "tokens_per_second": round(progress.tokens / max(progress.seconds, 1e-6), 1),
        "resumed_at": progress.resumed,
        "rolled_back": progress.rolled_back,
        "looks": progress.looks,
        "looks_by_task": looks.found,
        "found": dict(found),
    }
