"""Turns registrations into steps: create, update, replace, import, or leave as it is."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Literal

from falaj.errors import UsageError
from infra.artifacts import Op
from infra.engine.embedded import reading, replacing, urns
from infra.engine.embedded.aliases import Clash, Renamed
from infra.engine.embedded.carrying import Step, adopt, carry_out
from infra.engine.embedded.goals import Goal
from infra.engine.embedded.paths import ignore_changes
from infra.engine.embedded.planned import planned
from infra.engine.embedded.providers import CheckFailed, Diff
from infra.engine.embedded.registry import DefaultProviders, with_version
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, Stopped
from infra.engine.embedded.values import Properties, reveal

Result = Literal["success", "failed", "skipped"]


@dataclass(frozen=True)
class Registered:
    """The answer to a registration; a failed or skipped one still has its URN."""

    resource: Resource
    result: Result


class Deployment:
    """The goal state of one program run, as far as it is known."""

    def __init__(self, run: Run, stack: str, project: str, config: dict[str, str], secret_keys: frozenset[str]) -> None:
        self.run, self.stack, self.project = run, stack, project
        self.olds: dict[str, Resource] = {item.urn: item for item in run.journal.resources() if not item.delete}
        self.news = run.news
        self.renamed = Renamed(stack, project, self.olds)
        run.registry.now = self.renamed.now
        self.condemned: set[Resource] = set()
        """Old resources deleted ahead of their turn, because something they depend on is replaced."""
        self.deleted: set[str] = set()
        """Their URNs, as long as they were not made again."""
        self.replaced: set[str] = set()
        self.failed: set[str] = set()
        self._seen: set[str] = set()
        self._goals: dict[str, Goal] = {}
        self._component_providers: dict[str, dict[str, str]] = {}
        self._stack_outputs: tuple[Resource, Properties] | None = None
        self._generating = threading.Lock()
        self._defaults = DefaultProviders(config, secret_keys, self._register_default)

    def registered(self) -> set[str]:
        """URNs of everything the program has named."""
        return set(self._seen)

    def provider_reference(self, package: str, version: str, explicit: str) -> str:
        """The reference to use: the explicit one, or the package's default provider, registered on first use."""
        return explicit or self._defaults.reference(package, version)

    def register(self, goal: Goal) -> Registered:
        """Plan one registration and, unless this is a preview, carry it out. Raises UsageError for what cannot be supported."""
        self._complete(goal)
        urn = urns.make(self.stack, self.project, goal.parent, goal.type, goal.name)
        new = self._resource(urn, goal)
        with self._generating:
            if self.run.stop.is_set() or (new.depends_on() & self.failed):
                return self._skip(new)
            try:
                step = self._generate(urn, goal, new)
            except CheckFailed as problem:
                for name, reason in problem.failures:
                    given = f"property {name} value {{{reveal(new.inputs.get(name))}}} has a problem: " if name else ""
                    self.run.fail(f"{goal.type} resource '{goal.name}': {given}{reason}")
                return self._fail(new)
            except replacing.Refused as problem:
                self.run.fail(str(problem), stop=True)
                return self._fail(new)
            self._plan(step)
        try:
            carry_out(self.run, step, self.deleted)
            new = step.new
        except Stopped:
            return self._skip(new)
        except Exception as problem:
            self.run.fail_with(problem)
            return self._fail(new)
        with self.run.mutex:
            self.news[urn] = new
        return Registered(new, "success")

    def read(self, goal: Goal, id_: str) -> Registered:
        """Read what this stack does not manage; the state keeps it, marked external. Raises UsageError for a name given twice.

        `id_` is UNKNOWN_TEXT where it is not known yet: nothing is then read.
        """
        urn = urns.make(self.stack, self.project, goal.parent, goal.type, goal.name)
        reference = self.provider_reference(_package(goal), goal.version, goal.provider)
        new = Resource(urn, goal.type, True, id=id_, inputs=goal.inputs, parent=goal.parent, provider=reference, external=True)
        new.dependencies, new.additional_secret_outputs = goal.dependencies, goal.additional_secret_outputs
        with self._generating:
            if urn in self._seen:
                raise UsageError(f"Duplicate resource URN '{urn}'; try giving it a unique name")
            self._seen.add(urn)
        try:
            with self._generating:
                old = self._known(new, goal)
            reading.read(self.run, new)
        except replacing.Refused as problem:
            self.run.fail(str(problem), stop=True)
            return self._fail(new)
        given_up = old is not None and not old.external and old.id != id_
        with self.run.mutex:
            self.news[urn] = new
            self.run.planned[urn] = planned(new, "replace" if given_up else "read")
        if old is not None and given_up:
            self.replaced.add(urn)
            old.delete = True
        self.run.journal.note(add=new, drop=None if given_up else old)
        return Registered(new, "success")

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component, final once the program has registered them. Those of the stack wait for `finish`."""
        resource = self.news.get(urn)
        if resource is None:
            return
        if resource.type == urns.STACK_TYPE:
            self._stack_outputs = (resource, outputs)
        elif resource.outputs != outputs:
            resource.outputs = outputs
            self.run.journal.note()

    def finish(self) -> None:
        """Take over the stack's outputs of a program that ended well; after a failed one those of before stay."""
        if self._stack_outputs is not None and not self.run.errors and self.run.fatal is None:
            resource, resource.outputs = self._stack_outputs
            self.run.journal.note()

    # --- what to do

    def inherit(self, goal: Goal) -> None:
        """Take over from the parent what the program left open. A transform sees the result, and has the last word."""
        parent = self._goals.get(goal.parent)
        if parent is not None:
            if goal.protect is None:
                goal.protect = parent.protect
            if goal.retain_on_delete is None:
                goal.retain_on_delete = parent.retain_on_delete
            goal.deleted_with = goal.deleted_with or parent.deleted_with
            if not goal.provider and goal.custom and parent.provider and urns.package_of(urns.type_of(parent.provider.rpartition("::")[0])) == _package(goal):
                goal.provider = parent.provider
        if goal.custom and not urns.is_provider(goal.type):
            package = _package(goal)
            goal.provider = goal.provider or goal.providers.get(package) or self._component_providers.get(goal.parent, {}).get(package) or ""
        goal.inherited = True

    def parent_of(self, urn: str) -> str:
        """URN of the parent of something registered; empty for the stack, and for what was never registered."""
        goal = self._goals.get(urn)
        return goal.parent if goal else ""

    def _complete(self, goal: Goal) -> None:
        if not goal.inherited:
            self.inherit(goal)
        if not goal.custom:
            goal.providers = {**self._component_providers.get(goal.parent, {}), **goal.providers}
        elif urns.is_provider(goal.type):
            goal.inputs = with_version(goal.inputs, goal.version)
        else:
            goal.provider = self.provider_reference(_package(goal), goal.version, goal.provider)

    def _resource(self, urn: str, goal: Goal) -> Resource:
        return Resource(
            urn=urn,
            type=goal.type,
            custom=goal.custom,
            inputs=goal.inputs,
            parent=goal.parent,
            provider=goal.provider if goal.custom and not urns.is_provider(goal.type) else "",
            protect=bool(goal.protect),
            dependencies=goal.dependencies,
            property_dependencies=goal.property_dependencies,
            additional_secret_outputs=goal.additional_secret_outputs,
            ignore_changes=goal.ignore_changes,
            replace_on_changes=goal.replace_on_changes,
            retain_on_delete=bool(goal.retain_on_delete),
            deleted_with=goal.deleted_with,
            replace_with=goal.replace_with,
            replacement_trigger=goal.replacement_trigger,
            custom_timeouts=goal.custom_timeouts,
            import_id=goal.import_id,
        )

    def _known(self, new: Resource, goal: Goal) -> Resource | None:
        """What the old state holds of it, under its name or a former one; `new` takes over what stays. Raises Refused."""
        try:
            old = self.renamed.find(new.urn, goal.aliases, goal.parent, self._seen)
        except Clash as problem:
            raise replacing.Refused(str(problem)) from problem
        if old is not None:
            new.created, new.modified = old.created, old.modified
            if old.urn != new.urn:
                new.alias = old.urn
                self._seen.add(old.urn)
        return old

    def _generate(self, urn: str, goal: Goal, new: Resource) -> Step:
        if urn in self._seen:
            raise replacing.Refused(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self._seen.add(urn)
        self._goals[urn] = goal
        if not goal.custom:
            self._component_providers[urn] = goal.providers
        old = self._known(new, goal)
        recreating = old in self.condemned if old else False
        if goal.import_id and goal.custom and not recreating and (old is None or old.external or (old.import_id or old.id) != goal.import_id):
            return self._import(goal, new, old)
        if goal.custom:
            anew = old is None or recreating or old.external
            inputs = goal.inputs if anew or old is None else ignore_changes(goal.inputs, old.inputs, goal.ignore_changes)
            new.inputs = self._check(new, {} if anew or old is None else old.inputs, inputs, old)
        if old is None:
            return Step("create", new)
        if recreating or old.external:
            # As in the CLI, which knows what was deleted ahead by its name: under another name it finds out anew why that must be replaced.
            diff = Diff(False)
            if recreating and old.urn != urn:
                diff = self._diff(old, new, goal)
                self.run.rename(old.urn, urn)
            self.deleted.discard(old.urn)
            self.replaced.add(urn)
            return Step("replace", new, old, diff, delete_first=recreating)
        return self._settle(goal, new, old)

    def _settle(self, goal: Goal, new: Resource, old: Resource) -> Step:
        """What becomes of a resource that is there."""
        if replacing.triggered(new, old, preview=self.run.preview):
            diff = Diff(True, replaces=True)
        else:
            diff = replacing.with_replace_on_changes(self._diff(old, new, goal), goal.replace_on_changes)
        if not diff.changes and not old.pending_replacement:
            return Step("update" if old.init_errors else "same", new, old, diff)
        if not (diff.replaces or diff.replace_keys or old.pending_replacement):
            return Step("update", new, old, diff)
        return self._replace(goal, new, old, diff)

    def _import(self, goal: Goal, new: Resource, old: Resource | None) -> Step:
        """Take over what is live under the import id, in the place of `old` where there is one; then make it what the program wants."""
        if old is not None:
            self.replaced.add(new.urn)
        if not self.run.registry.get(new.provider).sees:
            new.inputs = self._check(new, {}, goal.inputs, old)
            return Step("create" if old is None else "replace", new, old)
        found = reading.imported(self.run, new)
        try:
            new.inputs = self._check(new, found.inputs, ignore_changes(goal.inputs, found.inputs, goal.ignore_changes), found)
            step = self._settle(goal, new, found)
        except (CheckFailed, replacing.Refused):
            if not self.run.preview:
                adopt(self.run, found, old, new)
            raise
        if step.op == "same":
            step.new = found
        step.adopted, step.given_up = found, old
        return step

    def _replace(self, goal: Goal, new: Resource, old: Resource, diff: Diff) -> Step:
        if new.protect and old.protect:
            raise replacing.Refused(
                f'unable to replace resource "{new.urn}"\nas it is currently marked for protection. To unprotect the resource, '
                "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
            )
        if goal.import_id and not self.run.preview:
            raise replacing.Refused(
                "previously-imported resources that still specify an ID may not be replaced; please remove the `import` declaration from your program; "
                f"what would replace it: {', '.join(diff.replace_keys)}"
            )
        self.replaced.add(new.urn)
        if old.urn != new.urn:
            old.successor = new.urn
        if goal.custom:
            new.inputs = self._check(new, {}, goal.inputs, old)
        delete_first = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        condemned: tuple[Resource, ...] = ()
        if delete_first:
            along = replacing.taken_along(self.run, list(self.olds.values()), old, new.urn, self._seen)
            condemned = (*reversed([item for item in along if item not in self.condemned]), *([] if old.pending_replacement else [old]))
            self.condemned.update(condemned)
            self.deleted.update(item.urn for item in condemned)
        return Step("replace", new, old, diff, condemned, delete_first or old.pending_replacement)

    def _check(self, new: Resource, olds: Properties, inputs: Properties, old: Resource | None) -> Properties:
        if urns.is_provider(new.type):
            return self.run.registry.check(new.urn, olds, inputs)
        seed = hashlib.sha256(f"{new.urn}\n{old.id if old else ''}".encode()).digest()
        return self.run.registry.get(new.provider).check(new.urn, olds, inputs, seed)

    def _diff(self, old: Resource, new: Resource, goal: Goal) -> Diff:
        if self.replaced.intersection(new.replace_with):
            return Diff(True, ["replaceWith"], replaces=True)
        if new.deleted_with in self.replaced:
            return Diff(True, ["deletedWith"], replaces=True)
        if not goal.custom or not old.custom:
            changed = old.custom != goal.custom
            return Diff(changed or reveal(old.inputs) != reveal(new.inputs), ["provider"] if changed else [], replaces=changed)
        if urns.is_provider(new.type):
            return self.run.registry.diff(old, new.inputs)
        if self._provider_replaced(old, new):
            return Diff(True, ["provider"], replaces=True)
        return self.run.registry.get(new.provider).diff(old.urn, old.id, old.inputs, old.outputs, new.inputs, goal.ignore_changes)

    def _provider_replaced(self, old: Resource, new: Resource) -> bool:
        """A resource moves to another provider in place, unless that provider says that its configuration cannot take it over."""
        was, is_now = urns.split_reference(old.provider)[0], urns.split_reference(new.provider)[0]
        if old.provider == new.provider or self.renamed.now.get(was) == is_now:
            return False
        before, after = self.olds.get(was), self.news.get(is_now)
        if before is None or after is None:
            return False
        return (
            self.run.registry.get(new.provider)
            .diff_config(after.urn, before.id, before.outputs, {k: v for k, v in after.inputs.items() if k != "__internal"})
            .replaces
        )

    def _plan(self, step: Step) -> None:
        with self.run.mutex:
            self.run.planned[step.new.urn] = planned(step.new, _op(step), step.diff)

    # --- answers

    def _register_default(self, type_: str, name: str, inputs: Properties) -> str:
        answer = self.register(Goal(type=type_, name=name, custom=True, inputs=inputs))
        if answer.result != "success":
            raise Stopped
        return f"{answer.resource.urn}::{answer.resource.id}"

    def _fail(self, new: Resource) -> Registered:
        self.failed.add(new.urn)
        return Registered(new, "failed")

    def _skip(self, new: Resource) -> Registered:
        self.failed.add(new.urn)
        return Registered(new, "skipped")


def _op(step: Step) -> Op:
    """As the plan calls it. One that only plans does not read what an import takes over; it shows what the program wants of it."""
    importing = step.adopted is not None or (step.op == "create" and step.new.import_id)
    if not importing or step.op == "replace":
        return step.op
    return "import" if step.given_up is None else "replace"


def _package(goal: Goal) -> str:
    return urns.package_of(goal.type)
