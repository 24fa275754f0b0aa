"""Turns registrations into steps, and carries them out: create, update, replace, or leave as it is."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Literal

from falaj.errors import UsageError
from infra.engine.embedded import replacing, urns
from infra.engine.embedded.goals import Goal
from infra.engine.embedded.paths import ignore_changes
from infra.engine.embedded.planned import planned
from infra.engine.embedded.providers import CheckFailed, Diff
from infra.engine.embedded.registry import DefaultProviders, with_version
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, Stopped, now, protect_secrets
from infra.engine.embedded.values import Properties, reveal, unsupported

SETTLE = 0.025
"""Seconds between planning a step and carrying it out, so that what is wrong with the registrations sent along with it still stops it."""

Result = Literal["success", "failed", "skipped"]


@dataclass(frozen=True)
class Registered:
    """The answer to a registration; a failed or skipped one still has its URN."""

    resource: Resource
    result: Result


@dataclass
class Step:
    """What one registration leads to. `condemned` are deleted first, dependents before what they depend on."""

    op: Literal["same", "create", "update", "replace"]
    new: Resource
    old: Resource | None = None
    diff: Diff = Diff(False)
    condemned: tuple[Resource, ...] = ()
    delete_first: bool = False


class Deployment:
    """The goal state of one program run, as far as it is known."""

    def __init__(self, run: Run, stack: str, project: str, config: dict[str, str], secret_keys: frozenset[str]) -> None:
        self.run, self.stack, self.project = run, stack, project
        self.olds: dict[str, Resource] = {item.urn: item for item in run.journal.resources() if not item.delete}
        self.news = run.news
        self.condemned: set[Resource] = set()
        """Old resources deleted ahead of their turn, because something they depend on is replaced."""
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
        self._inherit(goal)
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
            self._carry_out(step)
        except Stopped:
            return self._skip(new)
        except Exception as problem:
            self.run.fail_with(problem)
            return self._fail(new)
        with self.run.mutex:
            self.news[urn] = new
        return Registered(new, "success")

    def read(self, goal: Goal, id_: str) -> Resource:
        """Read what this stack does not manage; the state keeps it, marked external."""
        urn = urns.make(self.stack, self.project, goal.parent, goal.type, goal.name)
        reference = self.provider_reference(_package(goal), goal.version, goal.provider)
        new = Resource(urn, goal.type, True, id=id_, inputs=goal.inputs, parent=goal.parent, provider=reference, external=True)
        with self._generating:
            if urn in self._seen:
                raise UsageError(f"Duplicate resource URN '{urn}'; try giving it a unique name")
            self._seen.add(urn)
        live = self.run.registry.get(reference).read(urn, id_, goal.inputs, {})
        new.outputs = live.outputs
        with self.run.mutex:
            self.news[urn] = new
            self.run.planned[urn] = planned(new, "read")
        self.run.journal.note(add=new, drop=self.olds.get(urn))
        return new

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

    def _inherit(self, goal: Goal) -> None:
        parent = self._goals.get(goal.parent)
        if parent is not None:
            if goal.protect is None:
                goal.protect = parent.protect
            if not goal.provider and goal.custom and parent.provider and urns.package_of(urns.type_of(parent.provider.rpartition("::")[0])) == _package(goal):
                goal.provider = parent.provider
        inherited = self._component_providers.get(goal.parent, {})
        if not goal.custom:
            goal.providers = {**inherited, **goal.providers}
        elif urns.is_provider(goal.type):
            goal.inputs = with_version(goal.inputs, goal.version)
        else:
            package = _package(goal)
            chosen = goal.provider or goal.providers.get(package) or inherited.get(package) or ""
            goal.provider = self.provider_reference(package, goal.version, chosen)

    def _resource(self, urn: str, goal: Goal) -> Resource:
        old = self.olds.get(urn)
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
            created=old.created if old else "",
            modified=old.modified if old else "",
        )

    def _generate(self, urn: str, goal: Goal, new: Resource) -> Step:
        if urn in self._seen:
            raise replacing.Refused(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self._seen.add(urn)
        self._goals[urn] = goal
        if not goal.custom:
            self._component_providers[urn] = goal.providers
        self._refuse_aliases(urn, goal)
        old = self.olds.get(urn)
        recreating = old in self.condemned if old else False
        if goal.custom:
            anew = old is None or recreating or old.external
            inputs = goal.inputs if anew or old is None else ignore_changes(goal.inputs, old.inputs, goal.ignore_changes)
            new.inputs = self._check(new, {} if anew or old is None else old.inputs, inputs, old)
        if old is None:
            return Step("create", new)
        if recreating or old.external:
            self.replaced.add(urn)
            return Step("replace", new, old, delete_first=recreating)
        diff = replacing.with_replace_on_changes(self._diff(old, new, goal), goal.replace_on_changes)
        if not diff.changes and not old.pending_replacement:
            return Step("update" if old.init_errors else "same", new, old, diff)
        if not (diff.replaces or diff.replace_keys or old.pending_replacement):
            return Step("update", new, old, diff)
        return self._replace(goal, new, old, diff)

    def _replace(self, goal: Goal, new: Resource, old: Resource, diff: Diff) -> Step:
        if new.protect and old.protect:
            raise replacing.Refused(
                f'unable to replace resource "{old.urn}"\nas it is currently marked for protection. To unprotect the resource, '
                "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
            )
        self.replaced.add(old.urn)
        if goal.custom:
            new.inputs = self._check(new, {}, goal.inputs, old)
        delete_first = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        condemned: tuple[Resource, ...] = ()
        if delete_first:
            doomed = [item for item in replacing.dependents(self.run, list(self.olds.values()), old, self._seen) if item not in self.condemned]
            condemned = (*reversed(doomed), *([] if old.pending_replacement else [old]))
            self.condemned.update(condemned)
        return Step("replace", new, old, diff, condemned, delete_first or old.pending_replacement)

    def _refuse_aliases(self, urn: str, goal: Goal) -> None:
        """An alias that the state does not know changes nothing; SDKs send such for every renamed type."""
        for alias in goal.aliases:
            if alias != urn and alias in self.olds and urn not in self.olds:
                raise unsupported("aliases", f"{urn}, which the state knows as {alias}")

    def _check(self, new: Resource, olds: Properties, inputs: Properties, old: Resource | None) -> Properties:
        if urns.is_provider(new.type):
            return self.run.registry.check(new.urn, olds, inputs)
        seed = hashlib.sha256(f"{new.urn}\n{old.id if old else ''}".encode()).digest()
        return self.run.registry.get(new.provider).check(new.urn, olds, inputs, seed)

    def _diff(self, old: Resource, new: Resource, goal: Goal) -> Diff:
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
        if old.provider == new.provider:
            return False
        before, after = self.olds.get(urns.split_reference(old.provider)[0]), self.news.get(urns.split_reference(new.provider)[0])
        if before is None or after is None:
            return False
        return (
            self.run.registry.get(new.provider)
            .diff_config(after.urn, before.id, before.outputs, {k: v for k, v in after.inputs.items() if k != "__internal"})
            .replaces
        )

    def _plan(self, step: Step) -> None:
        with self.run.mutex:
            self.run.planned[step.new.urn] = planned(step.new, step.op, step.diff)

    # --- doing it

    def _carry_out(self, step: Step) -> None:
        new, old = step.new, step.old
        if not new.custom or urns.is_provider(new.type) or step.op == "same":
            self._in_state_only(step)
        elif self.run.preview:
            self._foresee(step)
        elif self.run.stop.wait(SETTLE):
            raise Stopped
        else:
            for item in step.condemned:
                replacing.delete_ahead(self.run, item)
            if step.op == "update" and old is not None:
                self._update(new, old, step.diff)
            else:
                self._create(step)

    def _in_state_only(self, step: Step) -> None:
        """Components, providers and unchanged resources: nothing happens outside the state."""
        new, old = step.new, step.old
        provider = urns.is_provider(new.type)
        registry = self.run.registry
        if step.op == "same" and old is not None:
            new.id, new.outputs = old.id, old.outputs
            if provider:
                registry.same(new, old.inputs)
        else:
            with self.run.doing(step.op, new):
                if provider and step.op == "update" and old is not None:
                    new.id, new.outputs = old.id, registry.update(new.urn, old.id, new.inputs)
                elif provider:
                    new.id, new.outputs = registry.create(new.urn, new.inputs)
                new.modified = now()
                new.created = new.created or new.modified
        protect_secrets(new)
        if step.op == "replace" and old is not None and not step.delete_first:
            old.delete = True
            self.run.journal.note(add=new)
        else:
            self.run.journal.note(add=new, drop=old)

    def _foresee(self, step: Step) -> None:
        new, old = step.new, step.old
        client = self.run.registry.get(new.provider)
        if step.op == "update" and old is not None:
            new.id = old.id
            new.outputs = client.update(new.urn, old.id, old.outputs, new.inputs, new.ignore_changes, preview=True)
        else:
            new.id, new.outputs = client.create(new.urn, new.inputs, preview=True)
        protect_secrets(new)

    def _create(self, step: Step) -> None:
        new, old = step.new, step.old
        client = self.run.registry.get(new.provider)
        with self.run.doing("replace" if old else "create", new):
            pending = self.run.journal.begin(new, "creating")
            try:
                new.id, new.outputs = client.create(new.urn, new.inputs, preview=False)
            except Exception:
                self.run.journal.end(pending)
                raise
            new.created = new.modified = now()
            protect_secrets(new)
            if old is not None and not step.delete_first:
                old.delete = True
                self.run.journal.end(pending, add=new)
            else:
                self.run.journal.end(pending, add=new, drop=old)

    def _update(self, new: Resource, old: Resource, diff: Diff) -> None:
        client = self.run.registry.get(new.provider)
        new.id = old.id
        with self.run.doing("update", new):
            pending = self.run.journal.begin(new, "updating")
            try:
                new.outputs = client.update(new.urn, old.id, old.outputs, new.inputs, new.ignore_changes, preview=False)
            except Exception:
                self.run.journal.end(pending)
                raise
            new.modified = now()
            protect_secrets(new)
            self.run.journal.end(pending, add=new, drop=old)

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


def _package(goal: Goal) -> str:
    return urns.package_of(goal.type)
