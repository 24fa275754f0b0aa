"""Named recipes: what a training run is made from. A recipe is a frozen value; a change is another recipe with another name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from falaj.canonical import digest_folder
from falaj.errors import Fault, UsageError

SEED = Path(__file__).with_name("seed")
DEFAULT = "local_seed"
COMPRESSIONS = ("int8", "auto")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
STRATEGIES = ("ddp", "fsdp", "tensor")
_NEEDED = ("config.json", "tokenizer.json")
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Recipe:
    """How a model is fine-tuned and judged. Lengths are in tokens, times in seconds."""

    name: str
    base: str
    """`seed`, or a model on the hub that FALAJ_BASE_MODEL (a folder or a release) or HF_ENDPOINT (a mirror) may stand in for."""
    base_revision: str
    licence: str
    input_tokens: int
    target_tokens: int
    batch: int
    learning_rate: float
    most_steps: int
    most_seconds: float
    """Training ends with whichever limit comes first; the learning rate falls towards that end."""
    warmup_steps: int
    mix: Mapping[str, float] = field(default_factory=dict)
    """Task -> weight when a batch is drawn; a task that is not named weighs 1, so that a user's own tasks are all drawn."""
    most_rows: Mapping[str, int] = field(default_factory=lambda: {"train": 6000, "validation": 300, "test": 300})
    """Rows of each task and split that are read from Debian's descriptions."""
    judged_rows: int = 300
    """Test rows of each task that models are scored on."""
    checkpoint_seconds: float = 30.0
    seed: int = 0
    compression: str = "int8"
    """`int8`: the INT8 form that strays least. `auto`: every variant is made and measured, which trains smaller models and takes several
    times as long, and the fastest within the bound on quality is served."""
    precision: str = "auto"
    """Of the arithmetic; weights, gradients and optimiser stay in fp32. `auto`: bf16 where it is fast, else fp32."""
    strategy: str = "ddp"
    """What several ranks share: `ddp` the rows, `fsdp` the rows and the weights, `tensor` the matrices of each layer."""
    accumulate: int = 1
    """Parts that a rank's share of a batch is worked through in, one after the other: less memory, the same steps."""
    again: bool = False
    """Work activations out a second time in the backward pass: a third more time, a fraction of the memory."""
    compiled: bool = False
    """torch.compile: a minute at the start, faster steps afterwards; needs a C++ compiler on a CPU."""
    window: int = 8
    """Batches that are drawn together and cut by length, so that little of a batch is padding; 1 leaves rows as they were drawn."""
    checkpoints: int = 2
    """Complete checkpoints that are kept."""
    spike: float = 3.0
    """A loss beyond this many times the median of those before it is taken back, with the rows since the last checkpoint; 0 lets it be."""
    validate_steps: int = 0
    """Steps between two looks at the validation split; 0 looks only at the end."""
    patience: int = 0
    """Looks without a better validation loss after which training ends early; the best weights are kept. 0 goes on."""

    def __post_init__(self) -> None:
        for name, word, allowed in (("compression", "compression", COMPRESSIONS), ("precision", "precision", PRECISIONS), ("strategy", "strategy", STRATEGIES)):
            if getattr(self, name) not in allowed:
                raise UsageError(f"there is no {word} {getattr(self, name)!r}", given=f"recipe {self.name}", allowed=", ".join(allowed))
        for name, least in (("batch", 1), ("accumulate", 1), ("window", 1), ("checkpoints", 1), ("validate_steps", 0), ("patience", 0), ("spike", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} cannot be {getattr(self, name)}", given=f"recipe {self.name}", allowed=f"{least} or more")
        if self.precision == "fp16" and self.strategy != "ddp":
            raise UsageError("fp16 goes with the strategy ddp alone", given=f"recipe {self.name}: {self.strategy}", next="take bf16, or ddp")
        if self.patience and not self.validate_steps:
            raise UsageError("patience needs something to look at", given=f"recipe {self.name}: patience {self.patience}", next="set validate_steps too")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "mix": dict(self.mix), "most_rows": dict(self.most_rows)}


def local_seed() -> Recipe:
    """Teach the seed a task that it has not seen, in little more than a minute on two cores, while it rehearses the two that it knows.

    The steps decide, so that the result does not hang on how busy the machine is; the time only ends what has gone wrong.
    """
    return Recipe(
        name="local_seed",
        base="seed",
        base_revision="2",
        licence="Apache-2.0",
        input_tokens=80,
        target_tokens=20,
        batch=48,
        learning_rate=3e-3,
        most_steps=160,
        most_seconds=600.0,
        warmup_steps=15,
        mix={"language": 5.0, "section": 2.0, "summarize": 3.0},
        most_rows={"train": 6000, "validation": 300, "test": 700},
        judged_rows=700,
    )


def local_seed_auto() -> Recipe:
    """As `local_seed`, and what is served is chosen among pruned and distilled variants too."""
    return replace(local_seed(), name="local_seed_auto", compression="auto")


def smoke() -> Recipe:
    """A few steps, to see that every joint holds; the model learns next to nothing."""
    return Recipe(
        name="smoke",
        base="seed",
        base_revision="2",
        licence="Apache-2.0",
        input_tokens=48,
        target_tokens=8,
        batch=8,
        learning_rate=1e-3,
        most_steps=6,
        most_seconds=60.0,
        warmup_steps=2,
        mix={"language": 6.0, "section": 2.0, "summarize": 2.0},
        most_rows={"train": 200, "validation": 60, "test": 40},
        judged_rows=40,
    )


def flan_t5_base() -> Recipe:
    """Fine-tune google/flan-t5-base (248 M parameters); meant for one GPU, works on a patient CPU."""
    return Recipe(
        name="flan_t5_base",
        base="google/flan-t5-base",
        base_revision="main",
        licence="Apache-2.0",
        input_tokens=256,
        target_tokens=48,
        batch=32,
        learning_rate=1e-3,
        most_steps=2000,
        most_seconds=3 * 3600.0,
        warmup_steps=50,
        mix={"language": 6.0, "section": 2.0, "summarize": 2.0},
        checkpoint_seconds=300.0,
    )


RECIPES: dict[str, Callable[[], Recipe]] = {"local_seed": local_seed, "local_seed_auto": local_seed_auto, "smoke": smoke, "flan_t5_base": flan_t5_base}


def recipe_named(name: str) -> Recipe:
    """The recipe called `name`, the one in the file that it names (`.json`), the default for an empty one. Raises UsageError naming those there are."""
    if name.endswith(".json"):
        from workloads.recipe_files import read

        return read(Path(name))
    if (name or DEFAULT) not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}", allowed=", ".join(RECIPES), next="choose one of them, or add a function to workloads/recipes.py")
    return RECIPES[name or DEFAULT]()


def base_folder(recipe: Recipe) -> Path:
    """The folder with the recipe's base model: the seed, FALAJ_BASE_MODEL, or a download from the hub (HF_ENDPOINT honoured).

    FALAJ_BASE_MODEL is a folder, or `release:VERSION` or `release:current` for the trained model behind a release.
    Raises UsageError when the folder lacks a file or holds pickled weights only, Fault when the hub cannot be reached.
    """
    if recipe.base == "seed":
        return SEED
    own = os.environ.get("FALAJ_BASE_MODEL")
    folder = _own(own) if own else _download(recipe)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append(_WEIGHTS)
    if missing:
        raise UsageError(
            f"the base model lacks {' and '.join(missing)}",
            given=str(folder),
            allowed=f"a folder with {', '.join((*_NEEDED, _WEIGHTS))}",
            why="pickled weights are never opened: they can run code",
            next="convert the model to safetensors, or point FALAJ_BASE_MODEL to another folder",
        )
    return folder


def base_digest(recipe: Recipe) -> str:
    """One digest over the base model's files that training reads."""
    folder = base_folder(recipe)
    others = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix not in (".json", ".safetensors")}
    return digest_folder(folder, leave_out=frozenset(others))


def _own(told: str) -> Path:
    from workloads.warm_start import SCHEME, released_base

    return released_base(told) if told.startswith(SCHEME) else Path(told)


def _download(recipe: Recipe) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(recipe.base, revision=recipe.base_revision, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as problem:  # the hub client raises its own, requests' and urllib3's errors; each means the same here
        raise Fault(
            f"{recipe.base} could not be fetched",
            given=f"hub {os.environ.get('HF_ENDPOINT') or 'default'}, revision {recipe.base_revision}",
            why=f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}",
            next="set FALAJ_BASE_MODEL to a folder with the model, or HF_ENDPOINT to a mirror that can be reached",
        ) from problem
