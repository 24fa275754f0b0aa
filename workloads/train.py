"""The train stage: fine-tunes the recipe's base model on the prepared rows, within its budget, and records how it went."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Fault, UsageError
from falaj.files import write_json
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.base_model import loaded
from workloads.prepare import Dataset, open_dataset
from workloads.recipes import Recipe, base_digest, base_folder, recipe_named
from workloads.serve.settings import threads
from workloads.store import Store
from workloads.t5_head import config_for_all
from workloads.tokens.agreement import Own, own_tokenizer
from workloads.tokens.cache import TokenCache, cached
from workloads.tokens.limits import read_limits
from workloads.training import memory
from workloads.training.batches import Batches, from_cache
from workloads.training.checkpoints import Checkpoints
from workloads.training.loop import loop, validated
from workloads.training.parts import Parts, prepared
from workloads.training.process import TERMINATED, settle_in, told_to_stop
from workloads.training.progress import Progress
from workloads.training.record import record as recorded
from workloads.training.world import World, check, check_rows, joined

SCHEMA = "falaj.model/1"
MODEL = "model"
RECORD = "run_record.json"
CHECKPOINTS = "train.checkpoint"
TOKENS = "train.tokens"


def main(run: Path, *, recipe: str = "") -> Artifact:
    """The stage as a job runs it: over all GPUs of the machine, or over FALAJ_RANKS processes."""
    from workloads.training.launch import launch, nodes_of, ranks_here, stage_command

    settle_in()
    if "RANK" in os.environ:
        return train(run, recipe=recipe)
    ranks, nodes = ranks_here(), nodes_of()
    if ranks == nodes.most == 1:
        return train(run, recipe=recipe)
    # Said by one process, before there are many.
    check(recipe_named(recipe), ranks * nodes.least)
    launch(stage_command(run.name, recipe), ranks=ranks, nodes=nodes, run=run.name)
    return open_artifact(run / "train", schema=SCHEMA)


def train(run: Path, *, recipe: str = "") -> Artifact:
    """Fine-tune and write `model/` (safetensors, config, tokenizer) and the run record.

    Goes on from the last checkpoint of the same recipe and data. On SIGTERM it writes one and exits with 143, so that the job is
    started again. Raises Fault when there is not enough memory, UsageError for data or a base model that cannot be used.
    """
    return train_with(run, recipe_named(recipe))


def train_with(run: Path, recipe: Recipe, *, looked: Callable[[Progress], None] | None = None) -> Artifact:
    """`train` with a recipe of one's own. Under torchrun every rank calls this.

    With `looked` it is a trial: whoever looks after it is told of each look at the validation split, may end it by raising, and enters it into MLflow.
    """
    settle_in()
    data, base = open_dataset(run), base_folder(recipe)
    inputs = {"data": data.artifact.digest, "base": base_digest(recipe)}
    parameters = {"recipe": recipe.to_json()}
    if (before := finished(run, "train", schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    needed = memory.require(recipe, base)
    # Asked again: another base may have been named since the rows were prepared.
    own = own_tokenizer(base, most_unused=read_limits().most_unused)
    with joined(recipe) as world, told_to_stop() as stop:
        check_rows(len(data.rows["train"]), world)
        out = begin(run, "train") if world.leads else run / "train"
        parts = load(recipe, base, world)
        basis = digest({"inputs": inputs, "parameters": parameters})
        checkpoints = Checkpoints(run / CHECKPOINTS, basis, world, recipe.checkpoints, _store(run), _say if world.leads else lambda text: None)
        progress = checkpoints.load(parts.source, parts.optimizer) or Progress(basis)
        if progress.step:
            progress.resumed.append(progress.step)
            checkpoints.say(f"goes on at step {progress.step}")
        encode = from_cache(tokens_of(data, own, recipe, checkpoints.say), parts.tokenizer, world.device)
        held = data.rows["validation"]
        batches = Batches(data.rows["train"], recipe)
        try:
            whole = loop(parts, encode, batches, recipe, progress, checkpoints, stop=stop, say=checkpoints.say, held=held, looked=looked)
        except BaseException as problem:
            checkpoints.settle()
            if isinstance(problem, UsageError) and progress.losses and looked is None and world.leads:
                record = recorded(run.name, recipe, data, inputs, progress, parts, checkpoints.counts, needed=needed, validation=None)
                _log(record, out, failed=problem.what)
            raise
        if not whole:
            checkpoints.say(f"told to stop at step {progress.step}; a checkpoint is written")
            raise SystemExit(TERMINATED)
        validation = validated(parts, encode, held, recipe) if held else None
        save_model(parts, base, out / MODEL)
        checkpoints.settle()
        if world.leads:
            record = recorded(run.name, recipe, data, inputs, progress, parts, checkpoints.counts, needed=needed, validation=validation)
            write_json(out / RECORD, record)
            if looked is None:
                _log(record, out)
            metrics = {name: record[name] for name in ("steps", "seconds", "tokens_per_second", "peak_bytes", "loss_first", "loss_last", "loss_validation")}
            finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics=metrics)
            checkpoints.remove()
            _say(f"trained {progress.step} steps in {progress.seconds:.0f} s, loss {record['loss_first']:.2f} -> {record['loss_last']:.2f}")
        world.total(0.0)  # nobody leaves before the manifest is there
    return open_artifact(out, schema=SCHEMA)


def _say(text: str) -> None:
    print(text, flush=True)


def tokens_of(data: Dataset, own: Own, recipe: Recipe, say: Callable[[str], None]) -> TokenCache:
    """The numbers of the rows that training reads, beside the data set itself, so that all ranks and all trials share them."""
    folder = data.artifact.folder.resolve().parent / TOKENS
    rows = [*data.rows["train"], *data.rows["validation"]]
    return cached(folder, rows, own, data=data.card["digest"], lengths=(recipe.input_tokens, recipe.target_tokens), say=say)


def _store(run: Path) -> Store | None:
    """Where checkpoints are sent: the folder of this run under FALAJ_CHECKPOINTS (s3://bucket/prefix or a folder), or nowhere."""
    where = os.environ.get("FALAJ_CHECKPOINTS")
    return Store.open(f"{where.rstrip('/')}/{run.name}") if where else None


def load(recipe: Recipe, base: Path, world: World) -> Parts:
    """The model of the folder `base` as `recipe` trains it. Raises UsageError for weights that are not those of its config."""
    import torch

    from workloads.training.lean_t5 import LeanT5

    torch.set_num_threads(threads(os.environ))
    torch.manual_seed(recipe.seed)
    source = loaded(base).train()
    return prepared(source, recipe, base / "tokenizer.json", source.config.pad_token_id, world, model=LeanT5(source, again=recipe.again))


def save_model(parts: Parts, base: Path, out: Path) -> None:
    """Write the whole model, put together from all ranks; all of them call this, the first one writes. Raises Fault when the disk is full."""
    from safetensors import SafetensorError

    whole: dict[str, Any] = {}
    for name, parameter in parts.source.named_parameters():
        tensor = parameter.detach()
        tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        if parts.world.leads:
            whole[name] = tensor.cpu()
    if not parts.world.leads:
        return
    parts.source.config = config_for_all(parts.source.config)
    parts.source.config.use_cache = True
    try:
        parts.source.save_pretrained(out, state_dict=whole)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if (base / name).is_file():
                shutil.copyfile(base / name, out / name)
    except (OSError, SafetensorError) as problem:
        raise Fault(
            "the trained model could not be written",
            given=str(out),
            why=str(problem),
            next="free some disk space and run the same command again: it goes on from the newest checkpoint",
        ) from problem


def _log(record: dict[str, Any], out: Path, *, failed: str = "") -> None:
    """Enter the run, or a `failed` one with the reason, into MLflow, or put it aside for when MLflow is there again. Neither fails training."""
    from workloads import tracking
    from workloads.training.tracked import entry_of

    if tracking.wanted():
        tracking.enter(entry_of(record, failed=failed), {} if failed else {RECORD: out / RECORD}, say=_say)
