"""What later work would overwrite, kept: every change that was applied, and the rules that it was judged by.

An auditor asks for the change of three months ago, and why it was allowed then.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from falaj.errors import UsageError
from falaj.home import environment_folder
from infra.artifacts import ApplyRecord, Decision, Plan

_DOCUMENTS = ("plan.json", "decision.json", "parameters.json", "apply.json")


def keep_applied(environment: str) -> list[Path]:
    """Keep the documents of each stack's last apply under `stacks/<stack>/applied/<when>-<digest>/`; safe to call again.

    A stack whose documents do not belong together (it was planned anew since) is left alone: there is nothing whole to keep.
    So is an apply that had nothing to do. Returns the folders of the last applies that are kept.
    """
    kept = []
    for folder in sorted((environment_folder(environment) / "stacks").glob("*")):
        try:
            record = ApplyRecord.read(folder / "apply.json")
            plan = Plan.read(folder / "plan.json")
            decision = Decision.read(folder / "decision.json")
        except UsageError:
            continue
        if record.steps and record.plan_digest == plan.digest and record.decision_digest == decision.digest:
            kept.append(_keep(folder, record))
    return kept


def keep_policies(environment: str, policies: Path) -> Path:
    """Keep the rules as they are now under `<environment>/policies/<digest>/`, so that today's decisions can be made again tomorrow."""
    from infra.pipeline.library import Library

    target = environment_folder(environment) / "policies" / Library.open(policies).digest.removeprefix("sha256:")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
            shutil.copytree(policies, Path(temporary) / "policies")
            os.rename(Path(temporary) / "policies", target)
    return target


def _keep(folder: Path, record: ApplyRecord) -> Path:
    when = "".join(letter for letter in record.finished_at if letter.isalnum())
    target = folder / "applied" / f"{when}-{record.digest.removeprefix('sha256:')[:12]}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
            fresh = Path(temporary) / "applied"
            fresh.mkdir()
            for name in _DOCUMENTS:
                if (folder / name).exists():
                    shutil.copyfile(folder / name, fresh / name)
            os.rename(fresh, target)
    return target
