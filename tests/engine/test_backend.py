"""State goes where the checkout declares, whatever a variable says."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.engine.cli_workspace import environ
from infra.engine.engine import Program

PROD = "s3://falaj-prod-state-333333333333?region=me-central-1"


def backend(folder: Path) -> str:
    return environ(Program(folder, "falaj-foundation", "prod"), "prod", "words", offline=True)["PULUMI_BACKEND_URL"]


@pytest.mark.parametrize("said", [PROD, f"{PROD}&awssdk=v2", "file:///var/lib/state"])
def test_a_declared_backend_and_a_file_are_taken(falaj_home: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", said)
    assert backend(falaj_home) == said


@pytest.mark.parametrize("said", ["https://api.pulumi.com", PROD.replace("me-central-1", "eu-west-1"), PROD.replace("prod", "dev")])
def test_another_one_is_refused_by_name(falaj_home: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", said)
    with pytest.raises(UsageError, match="the state of prod would go somewhere else") as refusal:
        backend(falaj_home)
    assert (refusal.value.given, refusal.value.allowed) == (f"PULUMI_BACKEND_URL={said}", PROD)


def test_nothing_said_is_a_file_of_the_home(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    assert backend(falaj_home).startswith("file://")
