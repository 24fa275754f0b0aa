"""Our library's samples, once for all tests."""

from __future__ import annotations

from typing import Any

from infra.authoring import samples as of_rules
from infra.authoring.samples import NOON, VERDICTS, Sample, by_rule, plan_of
from infra.pipeline.library import Kind, Library

__all__ = ["LIBRARY", "NOON", "PARAMETERS", "SAMPLES", "VERDICTS", "Sample", "answers", "by_rule", "plan_of"]

LIBRARY = Library.open()
PARAMETERS = LIBRARY.parameters(of_rules.ENVIRONMENT)
SAMPLES = of_rules.samples(LIBRARY)


def answers(engine: Any, kind: Kind, input: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rule -> its whole answer, in one order, from the engine itself."""
    return of_rules.answers(LIBRARY, engine, kind, input)
