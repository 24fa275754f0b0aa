"""The docs say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_generated_pages_are_fresh() -> None:
    # In a process of its own: libraries that other tests load change how help is laid out.
    answer = subprocess.run([sys.executable, "tools/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (answer.stdout.split(), answer.returncode) == ([], 0), "run: .venv/bin/python tools/docs.py"


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/engine.md"])
def test_every_file_a_page_speaks_of_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:falaj|infra|policies|workloads|stacks|tests|tools|runbooks|docs|requirements)/[\w./-]*\w)`", text))
    named |= {f"{Path(page).parent}/{link}" for link in re.findall(r"\]\((?!http|#)([\w./-]+)\)", text)}
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert missing == []


def test_every_feature_is_in_its_page_in_the_words_of_its_definition() -> None:
    from workloads.features.definitions import FEATURES

    lines = (ROOT / "docs" / "features.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| `")] == [f"| `{each.name}` | {each.kind} | {each.what} |" for each in FEATURES]


def test_the_readme_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make up" in text and "make test" in text
