"""What comes after the program: deleting what it no longer names, and destroying everything."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from infra.artifacts import Op
from infra.engine.embedded import urns
from infra.engine.embedded.planned import planned
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import PARALLEL, Run, Stopped


@dataclass(frozen=True)
class Deletion:
    """A resource to take out of the state. `op` is what the plan calls it: the end of a replacement, or a delete."""

    resource: Resource
    op: Op


def leftovers(resources: list[Resource], registered: set[str], renamed: Mapping[str, str]) -> list[Deletion]:
    """What an update has to delete: replaced resources whose successor stands, and those that were not registered again.

    `renamed`: old URN -> the one it was registered under.
    """
    live = {item.urn for item in resources if not item.delete and item.urn in registered}
    live |= {old for old, new in renamed.items() if new in live}
    going = [item for item in resources if item.delete or item.urn not in registered]
    for item in going:
        item.successor = renamed.get(item.urn, "")
    return [Deletion(item, "replace" if item.urn in live else "delete") for item in going]


def foresee(run: Run, deletions: list[Deletion]) -> None:
    """Put deletions into the plan. A protected one makes the run fail."""
    for deletion in deletions:
        item = deletion.resource
        if item.external:
            continue  # only the state forgets it
        if deletion.op == "delete":
            run.planned[item.urn] = planned(item, "delete")
        elif run.planned[urn := item.successor or item.urn].op == "same":
            run.planned[urn] = run.planned[urn].model_copy(update={"op": "replace"})
        if item.protect and not item.delete:
            run.fail(protected(item))


def protected(item: Resource) -> str:
    """Why a protected resource stays."""
    return (
        f'resource "{item.urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, remove the `protect` flag '
        "from the resource in the program and run `up`"
    )


def delete_all(run: Run, deletions: list[Deletion]) -> None:
    """Delete in parallel, dependents before what they depend on; one that fails keeps what it depends on, and the others go on."""
    waiting = {deletion.resource: deletion for deletion in deletions}
    held_by: dict[Resource, set[Resource]] = {item: set() for item in waiting}
    by_urn: dict[str, list[Resource]] = {}
    for item in waiting:
        by_urn.setdefault(item.urn, []).append(item)
    for item in waiting:
        for urn in item.depends_on():
            for needed in by_urn.get(urn, []):
                held_by[needed].add(item)
    going = {item.urn for item in waiting}
    release = threading.Lock()

    def one(deletion: Deletion) -> bool:
        try:
            _delete(run, deletion, going)
        except Stopped:
            return False
        except Exception as problem:
            run.fail_with(problem)
            return False
        return True

    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        under_way: dict[Future[bool], Resource] = {}

        def launch() -> None:
            with release:
                for item in [item for item in waiting if not held_by[item]]:
                    under_way[pool.submit(one, waiting.pop(item))] = item

        launch()
        while under_way:
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                item = under_way.pop(future)
                if future.result():
                    for holders in held_by.values():
                        holders.discard(item)
            launch()


def _delete(run: Run, deletion: Deletion, going: Collection[str]) -> None:
    item = deletion.resource
    if item.protect and not item.delete:
        raise RuntimeError(protected(item))
    if run.stop.is_set():
        raise Stopped
    if item.pending_replacement or item.external or not item.custom or urns.is_provider(item.type):
        if item.pending_replacement or item.external:
            run.journal.note(drop=item)
            return
        with run.doing(deletion.op, item):
            run.journal.note(drop=item)
        return
    with run.doing(deletion.op, item):
        pending = run.journal.begin(item, "deleting")
        try:
            if not item.goes_unasked(going):
                run.provider_of(item).delete(item.urn, item.id, item.outputs, item.custom_timeouts.get("delete", 0))
        except Exception:
            run.journal.end(pending)
            raise
        run.journal.end(pending, drop=item)
