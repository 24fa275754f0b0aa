"""What is passed over while transformers is imported comes back."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from workloads.t5_classes import _passed_over


def test_a_package_is_not_there_for_a_while_and_then_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with _passed_over("colorsys"):
        assert importlib.util.find_spec("colorsys") is None
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_what_is_imported_already_stays() -> None:
    with _passed_over("pytest"):
        assert importlib.import_module("pytest") is pytest
    assert sys.modules["pytest"] is pytest


def test_it_comes_back_after_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with pytest.raises(RuntimeError), _passed_over("colorsys"):
        raise RuntimeError
    assert "colorsys" not in sys.modules
