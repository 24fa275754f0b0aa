"""`python -m workloads.pretrain data | train | evaluate`: the data of a seed, a seed, and the figures that it is held to."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from falaj.errors import Exit, FalajError
from workloads.data import debian


def main(arguments: Sequence[str]) -> int:
    """Do one of the three. Returns the exit code; errors for people are printed on stderr."""
    parser = argparse.ArgumentParser(prog="python -m workloads.pretrain", description="Make a seed.")
    commands = parser.add_subparsers(dest="command", required=True)
    data = commands.add_parser("data", help="write the texts of Debian's archive as rows, with a card")
    data.add_argument("out", type=Path, help="folder to write")
    data.add_argument("--lists", type=Path, default=debian.LISTS, help="folder of apt's indices, those of more suites if you like")
    data.add_argument("--sample", action="store_true", help="the committed sample in place of the indices: too little for a seed")
    train = commands.add_parser("train", help="train a seed, or go on with it")
    train.add_argument("data", type=Path, help="folder that `data` wrote")
    train.add_argument("out", type=Path, help="folder for the model; checkpoints go beside it")
    train.add_argument("--recipe", default="pretrain", help="pretrain or pretrain_smoke (workloads/pretrain/settings.py)")
    train.add_argument("--init", choices=["random", "seed"], help="the weights to start from; the recipe's own where left out")
    train.add_argument("--steps", type=int, help="so many steps and not the recipe's; the learning rate falls towards their end")
    train.add_argument("--compiled", action="store_true", help="torch.compile: a minute at the start, faster steps; needs a C++ compiler on a CPU")
    judge = commands.add_parser("evaluate", help="figures of a model, or of a checkpoint, on the whole test split")
    judge.add_argument("model", type=Path, help="folder with the model's files")
    judge.add_argument("--data", type=Path, required=True, help="folder that `data` wrote")
    judge.add_argument("--split", choices=["test", "validation"], default="test")
    judge.add_argument("--rows", type=int, default=0, help="so many rows, the same ones every time; all where left out")
    judge.add_argument("--input-tokens", type=int, default=320, help="tokens of a text that are read (%(default)s)")
    judge.add_argument("--json", action="store_true")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(Exit.USAGE) if ended.code else int(Exit.DONE)
    try:
        return {"data": _data, "train": _train, "evaluate": _evaluate}[given.command](given)
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)


def _data(given: argparse.Namespace) -> int:
    from workloads.pretrain import archive

    artifact = archive.make(given.out, None if given.sample else given.lists)
    print(artifact.path(archive.CARD).read_text(encoding="utf-8"), end="", flush=True)
    return int(Exit.DONE)


def _train(given: argparse.Namespace) -> int:
    from workloads.pretrain.settings import setting_named
    from workloads.pretrain.train import train

    setting = setting_named(given.recipe)
    recipe = replace(setting.recipe, most_steps=given.steps or setting.recipe.most_steps, compiled=given.compiled or setting.recipe.compiled)
    train(given.data, given.out, replace(setting, recipe=recipe, init=given.init or setting.init))
    return int(Exit.DONE)


def _evaluate(given: argparse.Namespace) -> int:
    from workloads.pretrain.archive import read
    from workloads.pretrain.evaluate import GOAL, evaluate, table

    artifact, texts = read(given.data)
    reference = f"{artifact.parameters['reference']}/main"
    trained = [text for text in texts["train"] if text.suite == reference]
    found = evaluate(given.model, texts[given.split], trained, input_tokens=given.input_tokens, most=given.rows)
    if given.json:
        print(json.dumps({**asdict(found), "reached": found.reached}, indent=1), flush=True)
        return int(Exit.DONE)
    print(table(found))
    for target, answer in found.examples:
        print(f"  {target!r} <- {answer!r}")
    print(f"a seed must have ROUGE-L {GOAL['rougeL']} and section accuracy {GOAL['section']}: {'reached' if found.reached else 'not reached'}", flush=True)
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
