"""Where Falaj keeps what it makes: one folder per environment under `.falaj`, or under FALAJ_HOME."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: programs, policies and seed are read from here."""


def home() -> Path:
    """The folder of all state, `.falaj` in the checkout unless FALAJ_HOME names another."""
    return Path(os.environ.get("FALAJ_HOME") or ROOT / ".falaj").absolute()


def environment_folder(environment: str) -> Path:
    """Everything of one environment."""
    return home() / environment


def state_folder(environment: str) -> Path:
    """Checkpoints of the embedded engine: `<stack>/checkpoint.json` each."""
    return environment_folder(environment) / "state"


def stack_folder(environment: str, stack: str) -> Path:
    """plan.json, decision.json and apply.json of one stack."""
    return environment_folder(environment) / "stacks" / stack


def volume_folder(environment: str, namespace: str, claim: str) -> Path:
    """Where the process cluster keeps what a PersistentVolumeClaim holds."""
    return environment_folder(environment) / "volumes" / namespace / claim


def runs_folder(environment: str) -> Path:
    """One folder per run of road B: the training namespace's `work` volume."""
    return volume_folder(environment, "training", "work") / "runs"


def evidence_folder(environment: str) -> Path:
    """The signed evidence folder."""
    return environment_folder(environment) / "evidence"


def keys_folder() -> Path:
    """Private keys and the state passphrase of this machine, readable by their owner alone."""
    return home() / "keys"
