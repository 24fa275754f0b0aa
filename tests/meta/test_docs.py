"""The docs say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_generated_pages_are_fresh() -> None:
    pages = runpy.run_path(str(ROOT / "tools" / "docs.py"))["pages"]()
    stale = [path.name for path, text in pages.items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run: .venv/bin/python tools/docs.py"


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/engine.md"])
def test_every_file_a_page_speaks_of_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:falaj|infra|policies|workloads|stacks|tests|tools|runbooks|docs|requirements)/[\w./-]*\w)`", text))
    named |= {f"{Path(page).parent}/{link}" for link in re.findall(r"\]\((?!http|#)([\w./-]+)\)", text)}
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert missing == []


def test_the_readme_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make up" in text and "make test" in text
