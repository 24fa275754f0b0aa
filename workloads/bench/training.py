"""Training beside the Trainer of transformers: same model, rows, batch and precision, each warm in a process of its own, in turns.

    python -m workloads.bench.training CONTESTANT SPEC-JSON

is such a process: it answers each line of its input with what a number of steps took. Tokens are counted without padding.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from falaj.canonical import digest
from falaj.errors import Fault
from falaj.home import ROOT
from workloads.bench.child import peak_mebibytes
from workloads.recipes import SEED, Recipe, local_seed

OURS = "falaj"
PEERS = {"trainer": "adamw_torch", "trainer-adafactor": "adafactor"}
"""Name -> the Trainer's optimiser: its usual one, and ours."""
JOB = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""What the train job's environment says; the Trainer gets what a shell has."""


@dataclass(frozen=True)
class Spec:
    """What is trained. `steps` are those of one turn."""

    precision: str = "bf16"
    steps: int = 6
    rounds: int = 5
    batch: int = 48
    compiled: bool = False

    def recipe(self) -> Recipe:
        """The default recipe, all tasks drawn alike as the Trainer draws them, with no end and no checkpoint of its own accord."""
        own = replace(local_seed(), mix={}, precision=self.precision, batch=self.batch, compiled=self.compiled)
        return replace(own, most_steps=10**6, most_seconds=1e9, checkpoint_seconds=1e9, spike=0.0)


@dataclass(frozen=True)
class Measured:
    """One contestant. `tokens` are those of a second, `worked` those of a second of processor time, which other work on the machine hardly changes
    (medians of turns); `peak` is MiB; `checkpoint` and `blocked` are seconds, ours alone."""

    name: str
    tokens: float
    best: float
    worked: float
    peak: float
    checkpoint: float = 0.0
    blocked: float = 0.0


def contest(spec: Spec, *, progress: Callable[[str], None]) -> dict[str, Any]:
    """All contestants in turns. Returns what was measured, and the share of time that checkpoints cost at the recipe's interval."""
    with tempfile.TemporaryDirectory() as scratch:
        names = (OURS, *PEERS)
        racers = {name: _Racer(name, spec, Path(scratch) / name) for name in names}
        try:
            turns: dict[str, list[Mapping[str, float]]] = {name: [] for name in names}
            for name in names:
                progress(f"{name}: warms up")
                racers[name].turn(False)
            for number in range(spec.rounds):
                for name in names:
                    turns[name].append(racers[name].turn(False))
                    progress(f"round {number + 1}: {name} {turns[name][-1]['tokens'] / turns[name][-1]['seconds']:.0f} tokens/s")
            # Beside each other, so that what else the machine does falls on both.
            pairs = [(racers[OURS].turn(False), racers[OURS].turn(True)) for _ in range(spec.rounds)]
        finally:
            for racer in racers.values():
                racer.end()
    extra = max(0.0, statistics.median(kept["seconds"] - plain["seconds"] for plain, kept in pairs))
    blocked = statistics.median(kept["blocked"] for _, kept in pairs)
    found = [_measured(name, turns[name]) for name in names]
    found[0] = replace(found[0], checkpoint=extra, blocked=blocked)
    interval = local_seed().checkpoint_seconds
    return {"spec": asdict(spec), "contestants": [asdict(each) for each in found], "interval": interval, "checkpoint_share": extra / interval}


def _measured(name: str, turns: Sequence[Mapping[str, float]]) -> Measured:
    speeds = [turn["tokens"] / turn["seconds"] for turn in turns]
    worked = statistics.median(turn["tokens"] / turn["cpu"] for turn in turns)
    return Measured(name, statistics.median(speeds), max(speeds), worked, max(turn["peak"] for turn in turns))


class _Racer:
    def __init__(self, name: str, spec: Spec, folder: Path) -> None:
        folder.mkdir()
        self._name, self._said = name, folder / "stderr"
        environ = {**os.environ, "FALAJ_BENCH_FOLDER": str(folder), **(JOB if name == OURS else {})}
        command = [sys.executable, "-m", "workloads.bench.training", name, json.dumps(asdict(spec))]
        with self._said.open("w") as said:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, cwd=ROOT, env=environ)

    def turn(self, keep: bool) -> Mapping[str, float]:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(f"{int(keep)}\n")
        self._child.stdin.flush()
        if not (line := self._child.stdout.readline()):
            raise Fault(f"{self._name} ended while it was measured", why=self._said.read_text()[-600:], next="run it by hand: workloads/bench/training.py")
        return json.loads(line)

    def end(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.terminate()
        self._child.wait()


@dataclass
class _Turns:
    """Waits for the word before each turn, and says afterwards what it took."""

    steps: int
    out: TextIO
    done: int = 0
    tokens: int = 0
    began: float = 0.0
    cpu: float = 0.0
    blocked: float = 0.0
    keep: bool = False

    def next(self, tokens: int, blocked: float = 0.0) -> bool:
        """Told after each step, and once before the first. Returns whether a checkpoint is to be written now. Ends the process with its input."""
        if self.done:
            self.tokens += tokens
        if self.done and self.done % self.steps == 0:
            took = {"seconds": time.perf_counter() - self.began, "cpu": time.process_time() - self.cpu, "blocked": blocked - self.blocked}
            self.out.write(json.dumps({**took, "tokens": self.tokens, "peak": peak_mebibytes()}) + "\n")
            self.out.flush()
        if self.done % self.steps == 0:
            if not (line := sys.stdin.readline()):
                os._exit(0)
            self.keep, self.tokens, self.blocked = line.strip() == "1", 0, blocked
            self.began, self.cpu = time.perf_counter(), time.process_time()
        self.done += 1
        now, self.keep = self.keep, False
        return now


def _rows() -> list[Any]:
    from workloads.data import debian
    from workloads.data.rows import Quarantine

    packages, _ = debian.from_sample(Quarantine())
    return debian.rows(packages, most={"train": 6000, "validation": 0, "test": 0}, quarantine=Quarantine())


def _ours(spec: Spec, turns: _Turns) -> None:
    from workloads.tokens.agreement import own_tokenizer
    from workloads.tokens.cache import cached
    from workloads.tokens.limits import read_limits
    from workloads.train import load
    from workloads.training.batches import Batches, from_cache
    from workloads.training.checkpoints import Checkpoints
    from workloads.training.loop import loop
    from workloads.training.process import settle_in
    from workloads.training.progress import Progress
    from workloads.training.world import alone

    settle_in()
    recipe, world, folder = spec.recipe(), alone(), Path(os.environ["FALAJ_BENCH_FOLDER"])
    parts = load(recipe, SEED, world)
    checkpoints = Checkpoints(folder / "checkpoints", "bench", world)
    progress = Progress("bench")
    seen = [0]

    def between_steps() -> bool:
        tokens, seen[0] = progress.tokens - seen[0], progress.tokens
        if turns.next(tokens, checkpoints.counts.blocked_seconds):
            checkpoints.save(parts.source, parts.optimizer, progress)
        return False

    rows = _rows()
    own = own_tokenizer(SEED, most_unused=read_limits().most_unused)
    cache = cached(folder / "tokens", rows, own, data=digest([row.id for row in rows]), lengths=(recipe.input_tokens, recipe.target_tokens))
    encode = from_cache(cache, parts.tokenizer, world.device)
    loop(parts, encode, Batches(rows, recipe), recipe, progress, checkpoints, stop=between_steps, say=lambda text: None)


def _theirs(spec: Spec, turns: _Turns, optimizer: str) -> None:
    """The Trainer as its documentation shows it, for text to text: rows tokenised beforehand, padded to the longest of a batch."""
    import torch
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq, T5ForConditionalGeneration, Trainer, TrainerCallback, TrainingArguments

    recipe = spec.recipe()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    tokenizer = AutoTokenizer.from_pretrained(SEED, local_files_only=True)
    model = T5ForConditionalGeneration.from_pretrained(SEED, local_files_only=True).float()
    rows = _rows()
    sources = tokenizer([row.source for row in rows], max_length=recipe.input_tokens, truncation=True)
    targets = tokenizer([row.target for row in rows], max_length=recipe.target_tokens, truncation=True)
    made = [
        {"input_ids": ids, "attention_mask": mask, "labels": labels}
        for ids, mask, labels in zip(sources["input_ids"], sources["attention_mask"], targets["input_ids"], strict=True)
    ]
    pad, seen = DataCollatorForSeq2Seq(tokenizer, model=model), [0]

    def collate(features: list[Any]) -> Any:
        batch = pad(features)
        seen[0] = int(batch["attention_mask"].sum()) + int((batch["labels"] != -100).sum())
        return batch

    class Interleaved(TrainerCallback):
        def on_train_begin(self, *given: Any, **named: Any) -> None:
            turns.next(0)

        def on_step_end(self, *given: Any, **named: Any) -> None:
            turns.next(seen[0])

    settings = TrainingArguments(
        output_dir=os.environ["FALAJ_BENCH_FOLDER"],
        per_device_train_batch_size=recipe.batch,
        max_steps=10**6,
        learning_rate=recipe.learning_rate if optimizer == "adafactor" else 3e-4,
        optim=optimizer,
        bf16=spec.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
    )
    Trainer(model=model, args=settings, train_dataset=made, data_collator=collate, callbacks=[Interleaved()]).train()


def main() -> int:
    """One contestant."""
    name, spec = sys.argv[1], Spec(**json.loads(sys.argv[2]))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    turns = _Turns(spec.steps, out)
    _ours(spec, turns) if name == OURS else _theirs(spec, turns, PEERS[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
