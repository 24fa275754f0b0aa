"""`falaj gate --repository` and `--evidence`: what is judged there is no plan, but a checkout or a folder of signed documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from falaj.files import write_json
from falaj.home import environment_folder

if TYPE_CHECKING:
    from infra.artifacts import Decision


def decide_repository(folder: Path, environment: str, *, checkov: bool = False) -> Decision:
    """Judge the checkout in `folder`; facts, parameters and decision go below the environment's folder, so that it can be judged again.

    checkov is asked too where its level is `mandatory`, or where `checkov` says so and its level is not `off`.
    """
    from infra.pipeline.facts import repository_facts
    from infra.pipeline.gate import asked_of_repository, instant, judge_repository
    from infra.pipeline.library import Library

    now = instant()
    facts, parameters = repository_facts(folder), Library.open().parameters(environment, now)
    also = asked_of_repository(folder, parameters, now[:10], checkov=checkov)
    decision = judge_repository(facts, environment, now, subject=folder.resolve().name, parameters=parameters, also=also)
    return _kept(decision, "repository", {"facts": facts, "parameters": parameters})


def decide_evidence(folder: Path, environment: str, signers: Path | None) -> Decision:
    """Judge the evidence documents in `folder`, believing `signers` (see `evidence_documents.trusted`)."""
    from infra.pipeline.evidence_documents import read_folder
    from infra.pipeline.gate import judge_evidence
    from infra.pipeline.library import Library

    documents, parameters = read_folder(folder, environment, signers=signers), Library.open().parameters(environment)
    decision = judge_evidence(documents, environment, subject=folder.resolve().name, parameters=parameters)
    return _kept(decision, "documents", {"documents": documents, "parameters": parameters})


def _kept(decision: Decision, name: str, beside: dict[str, object]) -> Decision:
    place = environment_folder(decision.environment) / "judged" / name
    for each, value in beside.items():
        write_json(place / f"{each}.json", value)
    return decision.write(place / "decision.json")
