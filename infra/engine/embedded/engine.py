"""The embedded engine: `infra.engine.engine.Engine` without the Pulumi CLI."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from falaj.errors import Fault, UsageError
from infra.artifacts import StateRef
from infra.engine.embedded import urns
from infra.engine.embedded.ending import Deletion, delete_all, foresee, leftovers
from infra.engine.embedded.program import run_program
from infra.engine.embedded.providers import ProviderSource
from infra.engine.embedded.refresh import look, recover, refresh_all
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, start
from infra.engine.embedded.sources import source_for
from infra.engine.embedded.state import StateFile
from infra.engine.embedded.values import Properties, to_plan
from infra.engine.engine import Guard, Outcome, Preview, Program, Progress, Seen
from infra.engine.ordering import in_order


class EmbeddedEngine:
    """Plans any environment; applies those in `applies` only: `local`, and one that lies on a site where it was chosen for that."""

    name = "embedded"
    shows_known_inputs = True

    def __init__(self, environment: str, providers: ProviderSource | None = None, *, applies: Collection[str] = ("local",)) -> None:
        """`providers` makes a provider for a package name; left out, the sandbox's serve `local` and planning ones the rest."""
        self.environment = environment
        self._providers = providers
        self._applies = frozenset(applies)

    def preview(self, program: Program) -> Preview:
        """What an apply would do. Writes nothing. Raises UsageError when the program fails or asks for what cannot be done."""
        snapshot = self._file(program).load()
        run = start(snapshot, None, self._source(), preview=True)
        deployment = run_program(program, run)
        _raise_fatal(run)
        if not run.errors:
            foresee(run, leftovers(run.journal.resources(), deployment.registered(), deployment.renamed.now))
        if errors := run.told():
            raise UsageError(
                f"{program.project} cannot be planned: {errors[0]}",
                given=str(program.folder),
                why="\n".join(errors[1:]) or None,
                next="correct the program or its config, and plan again",
            )
        return Preview(resources=in_order(run.planned.values()), outputs=to_plan(_outputs(list(run.news.values()))), state=snapshot.ref)

    def up(self, program: Program, *, guard: Guard | None = None, resolved: Guard | None = None, progress: Progress | None = None) -> Outcome:
        """Make it so. A failed step leaves the others; its error is in the outcome. Raises what the guards raise, and UsageError for what is refused."""
        guards = [each for each in (guard, resolved) if each is not None]

        def ask(op: str, urn: str, inputs: Properties) -> None:
            for each in guards:
                each(op, urn, inputs)

        def work(run: Run) -> None:
            run.guard = ask if guards else None
            deployment = run_program(program, run)
            if not run.errors and run.fatal is None:
                delete_all(run, leftovers(run.journal.resources(), deployment.registered(), deployment.renamed.now))

        return self._apply(program, work, progress)

    def refresh(self, program: Program, *, progress: Progress | None = None) -> Outcome:
        """Bring the state to what is live: one step per resource that differs (`update`) or is gone (`delete`)."""
        return self._apply(program, refresh_all, progress)

    def look(self, program: Program) -> Seen:
        """What a refresh would change. Writes nothing. Raises Fault when something could not be read."""
        self._refuse_elsewhere("look at what is live in")
        file = self._file(program)
        with file.locked():
            snapshot = file.load()
            if snapshot.pending:
                raise UsageError(
                    f"the last run of {program.project} was cut off, so what is recorded is not what was meant",
                    given=f"{len(snapshot.pending)} operations under way",
                    next="falaj up, which finds out what became of them; then look again",
                )
            run = start(snapshot, None, self._source(), preview=False)
            count, found = look(run)
            _raise_fatal(run)
            if run.errors:
                raise Fault(f"{program.project} could not be read whole", given="\n".join(run.told()), next="runbooks/failed_apply.md")
            return Seen(state=snapshot.ref, resources=count, drifts=found)

    def destroy(self, program: Program, *, progress: Progress | None = None) -> Outcome:
        """Delete everything the state holds."""
        return self._apply(program, lambda run: delete_all(run, [Deletion(item, "delete") for item in run.journal.resources()]), progress)

    def state(self, program: Program) -> StateRef:
        return self._file(program).ref()

    def outputs(self, program: Program) -> dict[str, Any]:
        """Outputs of the last apply, secrets hidden behind their marker."""
        return to_plan(_outputs(self._file(program).load().resources))

    def export(self, program: Program) -> dict[str, Any]:
        return self._file(program).export()

    def _file(self, program: Program) -> StateFile:
        return StateFile(self.environment, program.project)

    def _source(self) -> ProviderSource:
        return self._providers or source_for(self.environment)

    def _refuse_elsewhere(self, verb: str) -> None:
        if self.environment not in self._applies:
            raise UsageError(
                f"the embedded engine does not {verb} '{self.environment}'",
                given=self.environment,
                allowed=", ".join(sorted(self._applies)),
                why="only the Pulumi CLI may touch a real cloud",
                next="use --env local; or, for a real account, put `pulumi` on PATH and set FALAJ_ENGINE=pulumi",
            )

    def _apply(self, program: Program, work: Callable[[Run], None], progress: Progress | None) -> Outcome:
        self._refuse_elsewhere("apply")
        file = self._file(program)
        with file.locked():
            snapshot = file.load()
            run = start(snapshot, file, self._source(), preview=False)
            run.progress = progress
            recover(run, snapshot.pending)
            try:
                work(run)
            finally:
                if run.journal.broken is None:
                    run.journal.commit()
            _raise_fatal(run)
            return Outcome(
                steps=run.steps,
                before=snapshot.ref,
                after=run.journal.ref,
                outputs=to_plan(_outputs(run.journal.resources())),
                error="\n".join(run.told()) or None,
            )


def _outputs(resources: list[Resource]) -> Properties:
    return next((item.outputs for item in resources if item.type == urns.STACK_TYPE), {})


def _raise_fatal(run: Run) -> None:
    if run.fatal is not None:
        raise run.fatal
