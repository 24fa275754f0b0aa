"""Named ways to a smaller model: which parts of the trained one stay, and how what is left learns again.

Each way's model and record are written once they are whole, and its training has checkpoints: a job that was ended goes on there.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import UsageError
from falaj.files import write_json
from workloads.compress import shapes
from workloads.compress.distil import Answer, Lesson, taught_rows, teach
from workloads.compress.prune import UNIT_STEP, apart, beliefs, drop_layers, importance, plan, shrink
from workloads.data.rows import Row
from workloads.recipes import Recipe
from workloads.training.batches import Batches, encoder

SCHEMA = "falaj.way/1"
TRAINED = "trained"
_RECORD = "way.json"
_MODEL = "model"
_JUDGED_BATCHES = 4


class ToldToStop(Exception):
    """Training was ended from outside; a checkpoint is written."""


@dataclass(frozen=True)
class Way:
    """How a smaller model is made from `source`: layers first, then heads and units, then the lesson. Numbers are shares that stay."""

    name: str
    source: str = TRAINED
    encoder: float = 1.0
    decoder: float = 1.0
    heads: float = 1.0
    units: float = 1.0
    lesson: Lesson = field(default_factory=Lesson)

    def __post_init__(self) -> None:
        for name in ("encoder", "decoder", "heads", "units"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"that share of {name} cannot be kept", given=str(getattr(self, name)), allowed="more than 0, at most 1")


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("pruned", heads=0.8, units=0.8),
        Way("shallow", decoder=0.67, lesson=Lesson(steps=1.0, rate=1.0, sequences=0.25)),
        Way("small", source="shallow", heads=0.8, units=0.8),
    )
}
"""`shallow` keeps the encoder and two of three decoder layers; `small` prunes that further. The teacher is always the trained model."""


@dataclass(frozen=True)
class World:
    """What all ways of one run share."""

    trained: Any
    """The trained model (torch), which teaches."""
    tokenizer: Path
    rows: Mapping[str, Sequence[Row]]
    """Split -> rows; a model learns from `train` and is looked at on `validation`."""
    recipe: Recipe
    answer: Answer
    work: Path
    """Folder for checkpoints and finished models."""
    basis: str
    """Digest of the trained model and the data."""
    stop: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda text: None

    def batches(self, split: str, number: int) -> list[dict[str, Any]]:
        """That many batches of a split, the same every time."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.tokenizer))
        tokenizer.enable_padding(pad_id=self.trained.config.pad_token_id)
        encode, drawn = encoder(tokenizer, self.recipe, "cpu"), Batches(self.rows[split], self.recipe)
        return [encode(drawn.at(step)) for step in range(number)]


def make(name: str, world: World) -> tuple[Any, dict[str, Any]]:
    """The model of way `name` and its record, made now or taken from an earlier attempt. Raises ToldToStop, UsageError for no such way."""
    if name == TRAINED:
        return world.trained, {"parameters": shapes.parameters(world.trained)}
    way = _way(name)
    source, before = make(way.source, world)
    folder = world.work / name
    basis = digest({"way": asdict(way), "basis": world.basis, "recipe": world.recipe.to_json(), "source": before.get("basis")})
    if (found := _finished(folder, basis)) is not None:
        return found
    pupil, held = cut(source, way, world), world.batches("validation", _JUDGED_BATCHES)
    believed = beliefs(world.trained, held)
    strayed = {"source": apart(believed, source, held), "cut": apart(believed, pupil, held)}
    untaught = copy.deepcopy(pupil)
    rows = taught_rows(world.rows["train"], world.answer, way.lesson, folder / "sequences.json", world.basis)
    progress = teach(
        pupil,
        world.trained,
        rows,
        world.recipe,
        way.lesson,
        tokenizer=world.tokenizer,
        checkpoints=folder / "checkpoint",
        basis=basis,
        stop=world.stop,
        say=lambda text: world.say(f"{name}: {text}"),
    )
    if progress is None:
        raise ToldToStop(name)
    strayed["taught"] = apart(believed, pupil, held)
    # Rows that the source knows by heart may teach nothing more: a cut that cost little is then better left as it is.
    kept = "taught" if strayed["taught"] < strayed["cut"] else "cut"
    pupil = pupil if kept == "taught" else untaught
    record = {
        "schema": SCHEMA,
        "basis": basis,
        "way": asdict(way),
        "parameters": shapes.parameters(pupil),
        "shape": shapes.shape_of(pupil).to_json(),
        "strayed": {key: round(value, 4) for key, value in strayed.items()},
        "kept": kept,
        "steps": progress.step,
        "seconds": round(progress.seconds, 2),
        "resumed_at": progress.resumed,
    }
    shapes.save(pupil, folder / _MODEL, world.tokenizer.parent)
    write_json(folder / _RECORD, record)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    road = f"{strayed['source']:.3f} -> {strayed['cut']:.3f} -> {strayed['taught']:.3f} nats from the trained model, {kept} is kept"
    world.say(f"{name}: {record['parameters'] / 1e6:.2f} M weights, {road}")
    return pupil, record


def cut(source: Any, way: Way, world: World) -> Any:
    """A smaller copy of `source` as `way` says, before it learns. What goes is chosen on training rows."""
    batches = world.batches("train", _JUDGED_BATCHES)
    encoder_layers, decoder_layers = (max(1, int(share * len(stack.block))) for share, stack in ((way.encoder, source.encoder), (way.decoder, source.decoder)))
    pupil = shrink(source, drop_layers(source, batches, encoder=encoder_layers, decoder=decoder_layers))
    if way.heads == way.units == 1:
        return pupil
    found = importance(pupil, batches)
    narrowest = min(shapes.units_of(block) for block in (*pupil.encoder.block, *pupil.decoder.block))
    # A narrow model has too few whole steps to leave a choice; halves of a step still fill blocks and registers as far as can be.
    step = next(UNIT_STEP >> halved for halved in range(8) if UNIT_STEP >> halved <= max(1, narrowest // 5))
    return shrink(pupil, plan(pupil, found, heads=way.heads, units=way.units, unit_step=step))


def _way(name: str) -> Way:
    if name not in WAYS:
        raise UsageError(f"there is no way {name!r}", allowed=", ".join((TRAINED, *WAYS)))
    return WAYS[name]


def _finished(folder: Path, basis: str) -> tuple[Any, dict[str, Any]] | None:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return (shapes.load(folder / _MODEL), record) if record["basis"] == basis else None
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None
