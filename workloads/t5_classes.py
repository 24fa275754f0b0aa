"""The classes of transformers that hold a T5, imported without what only its assisted decoding asks for."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


def t5_classes() -> tuple[Any, Any]:
    """T5Config and T5ForConditionalGeneration.

    transformers takes scikit-learn for a part of `generate`, and scipy for losses on pictures, that nothing here calls: every rank, worker and stage
    would wait for them a fifth of its start.
    """
    with _passed_over("scipy", "sklearn"):
        from transformers import T5Config, T5ForConditionalGeneration
    return T5Config, T5ForConditionalGeneration


@contextmanager
def _passed_over(*packages: str) -> Generator[None]:
    """Packages that are not there for as long as this lasts, unless they are imported already."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # ty: ignore[no-matching-overload]
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
