"""The train stage: fine-tunes the recipe's base model on the prepared rows, within its budget, and records how it went."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.files import write_json
from workloads import memory, provenance
from workloads.artifacts import Artifact, begin, finish, finished
from workloads.data.rows import Row
from workloads.prepare import Dataset, open_dataset
from workloads.recipes import Recipe, base_digest, base_folder, recipe_named
from workloads.serve.settings import threads
from workloads.train_loop import Batches, Progress, load_checkpoint, loop, save_checkpoint

SCHEMA = "falaj.model/1"
MODEL = "model"
RECORD = "run_record.json"
_CHECKPOINTS = "train.checkpoint"
TERMINATED = 128 + signal.SIGTERM
"""Exit code of a stage that was told to stop and has written a checkpoint."""


@dataclass(frozen=True)
class Parts:
    """What a training process holds in memory."""

    model: Any
    optimizer: Any
    accelerator: Any
    tokenizer: Any
    precision: str


def train(run: Path, *, recipe: str = "") -> Artifact:
    """Fine-tune and write `model/` (safetensors, config, tokenizer) and the run record.

    Goes on from the last checkpoint of the same recipe and data. On SIGTERM it writes one and exits with 143, so that the job is
    started again. Raises Fault when there is not enough memory, UsageError for data or a base model that cannot be used.
    """
    return train_with(run, recipe_named(recipe))


def train_with(run: Path, recipe: Recipe) -> Artifact:
    """`train` with a recipe of one's own."""
    data, base = open_dataset(run), base_folder(recipe)
    inputs = {"data": data.artifact.digest, "base": base_digest(recipe)}
    parameters = {"recipe": recipe.to_json()}
    if (before := finished(run, "train", schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    needed = memory.require(recipe, base)
    out = begin(run, "train")
    parts = _load(recipe, base)
    basis = digest({"inputs": inputs, "parameters": parameters})
    checkpoints = run / _CHECKPOINTS
    progress = load_checkpoint(checkpoints, parts.model, parts.optimizer, basis) or Progress(basis)
    if progress.step:
        progress.resumed.append(progress.step)
        print(f"goes on at step {progress.step}", flush=True)
    with told_to_stop() as stop:
        whole = loop(
            parts.model,
            parts.optimizer,
            parts.accelerator,
            encoder(parts.tokenizer, recipe, parts.accelerator.device),
            Batches(data.rows["train"], recipe),
            recipe,
            progress,
            save=lambda state: save_checkpoint(checkpoints, parts.model, parts.optimizer, state),
            stop=stop,
            say=lambda text: print(text, flush=True),
        )
    if not whole:
        print(f"told to stop at step {progress.step}; a checkpoint is written", flush=True)
        raise SystemExit(TERMINATED)
    _save_model(parts, base, out / MODEL)
    record = _record(run, recipe, data, inputs, progress, parts.precision, needed)
    write_json(out / RECORD, record)
    _log(record)
    metrics = {name: record[name] for name in ("steps", "seconds", "tokens_per_second", "peak_bytes", "loss_first", "loss_last")}
    artifact = finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics=metrics)
    shutil.rmtree(checkpoints, ignore_errors=True)
    print(f"trained {progress.step} steps in {progress.seconds:.0f} s, loss {record['loss_first']:.2f} -> {record['loss_last']:.2f}", flush=True)
    return artifact


def _load(recipe: Recipe, base: Path) -> Parts:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait without spinning: on a machine that does other work too, spinning ones made a step ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    from accelerate.utils import set_seed
    from transformers import T5ForConditionalGeneration

    torch.set_num_threads(threads(os.environ))
    set_seed(recipe.seed)
    model = T5ForConditionalGeneration.from_pretrained(base, use_safetensors=True, local_files_only=True).float()
    model.config.use_cache = False
    model.train()
    return prepared(model, recipe, base / "tokenizer.json", model.config.pad_token_id)


def prepared(model: Any, recipe: Recipe, tokenizer_file: Path, pad: int) -> Parts:
    """`model` (anything whose call gives a `loss`) with what training it needs: bf16 where that is fast, else fp32, and the GPU where there is one."""
    import torch
    from accelerate import Accelerator
    from tokenizers import Tokenizer
    from transformers.optimization import Adafactor

    cuda = torch.cuda.is_available()
    precision = "bf16" if cuda or _fast_bf16() else "no"
    accelerator = Accelerator(mixed_precision=precision, cpu=not cuda)
    # Weights scaled steps, no momentum: T5's own optimiser, and its state is small.
    optimizer = Adafactor(model.parameters(), lr=recipe.learning_rate, scale_parameter=True, relative_step=False, warmup_init=False, clip_threshold=1.0)
    model, optimizer = accelerator.prepare(model, optimizer)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.enable_padding(pad_id=pad)
    return Parts(model, optimizer, accelerator, tokenizer, "bfloat16" if precision == "bf16" else "float32")


def _fast_bf16() -> bool:
    """True where the CPU multiplies in bfloat16; elsewhere it is emulated, and slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return platform.machine() in ("x86_64", "AMD64") and ("avx512_bf16" in flags or "amx_bf16" in flags)


def encoder(tokenizer: Any, recipe: Recipe, device: Any) -> Callable[[Sequence[Row]], dict[str, Any]]:
    """Rows -> a batch as the model takes it, cut to the recipe's lengths; labels are -100 where there is only padding."""
    import torch

    def encode(rows: Sequence[Row]) -> dict[str, Any]:
        tokenizer.enable_truncation(recipe.input_tokens)
        sources = tokenizer.encode_batch([row.source for row in rows])
        tokenizer.enable_truncation(recipe.target_tokens)
        targets = tokenizer.encode_batch([row.target for row in rows])
        labels = torch.tensor([target.ids for target in targets])
        labels[torch.tensor([target.attention_mask for target in targets]) == 0] = -100
        return {
            "input_ids": torch.tensor([source.ids for source in sources]).to(device),
            "attention_mask": torch.tensor([source.attention_mask for source in sources]).to(device),
            "labels": labels.to(device),
        }

    return encode


@contextmanager
def told_to_stop() -> Generator[Callable[[], bool]]:
    """Whether SIGTERM has come. A step is never torn: the loop asks between two of them."""
    told: list[int] = []
    try:
        old = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    except ValueError:  # not the main thread; then whoever owns that decides
        yield lambda: False
        return
    try:
        yield lambda: bool(told)
    finally:
        signal.signal(signal.SIGTERM, old)


def _save_model(parts: Parts, base: Path, out: Path) -> None:
    model = parts.accelerator.unwrap_model(parts.model)
    model.config.use_cache = True
    model.save_pretrained(out, safe_serialization=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)


def _record(run: Path, recipe: Recipe, data: Dataset, inputs: dict[str, str], progress: Progress, precision: str, needed: int) -> dict[str, Any]:
    head, tail = progress.losses[:10], progress.losses[-10:]
    return {
        "schema": "falaj.run_record/1",
        "run": run.name,
        "recipe": recipe.to_json(),
        "inputs": inputs,
        "data": {"name": data.card["name"], "digest": data.card["digest"], "rows": data.card["rows"]},
        "commit": provenance.commit(),
        "precision": precision,
        "threads": threads(os.environ),
        "steps": progress.step,
        "ended_by": "steps" if progress.step >= recipe.most_steps else "time",
        "seconds": round(progress.seconds, 2),
        "resumed_at": progress.resumed,
        "tokens": progress.tokens,
        "tokens_per_second": round(progress.tokens / max(progress.seconds, 1e-6), 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "needed_bytes_estimate": needed,
        "loss_first": round(sum(head) / len(head), 4),
        "loss_last": round(sum(tail) / len(tail), 4),
        "losses": progress.losses,
    }


def _log(record: dict[str, Any]) -> None:
    """Enter the run into MLflow where MLFLOW_TRACKING_URI names a server or file. A tracking server that is away fails no training."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return
    from workloads.training_log import log

    try:
        log(record)
    except Exception as problem:  # the client raises its own, SQLAlchemy's and requests' errors
        print(f"not entered into MLflow: {type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}", flush=True)
