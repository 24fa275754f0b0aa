"""Gatekeeper: a ConstraintTemplate and a Constraint for every rule that can judge a cluster's objects.

The template carries the rule and its helpers word for word, so the cluster asks the same question as the gate, and what cannot be told is
refused there too. A rule that joins several objects judges in Gatekeeper's audit, among all there are: at the door they come one by one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falaj.files import read_json, write_json
from infra.pipeline.library import Library, Rule
from infra.policy_build import manifests
from infra.policy_build.admissible import ANY, SPARED_NAMESPACES, Admissible, ApiKind, admissible, modules_of, parameters_of, reads_clock
from infra.policy_build.crd_schema import structural
from infra.policy_build.gatekeeper_rego import entry, library_module

_TARGET = "admission.k8s.gatekeeper.sh"
_OWN_NAMESPACE = "gatekeeper-system"
_AUDITS = ("audit.gatekeeper.sh", "gator.gatekeeper.sh")
"""Where a rule that joins objects is asked: not at the webhook, where the others may not be there yet."""


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write templates/, constraints/, config.yaml (what Gatekeeper must keep for the joins) and coverage.json; the paths, sorted.

    Equal input gives equal bytes. Raises UsageError for an environment without parameters.
    """
    parameters = library.parameters(environment)
    schema = read_json(library.folder / "schemas" / "parameters.schema.json", what="parameters schema", next="restore it from git")
    able, unable = admissible(library)
    written = []
    for what in able:
        modules = modules_of(library, what.rule)
        values = parameters_of(modules, parameters)
        types = {name: structural(schema["properties"].get(name, {})) for name in values}
        name = manifests.dns_name(what.rule)
        written.append(manifests.write(out / "templates" / f"{name}.yaml", _template(what, modules, types, library.digest)))
        written.append(manifests.write(out / "constraints" / f"{name}.yaml", _constraint(what, values, environment, library.digest)))
    written.append(manifests.write(out / "config.yaml", _config(able, library.digest)))
    coverage = out / "coverage.json"
    forms = {what.rule.id: what.form for what in able}
    write_json(coverage, {"environment": environment, "policy_digest": library.digest, "judged": forms, "not_judged": dict(sorted(unable.items()))})
    return sorted([*written, coverage])


def kind_name(rule: Rule) -> str:
    """The kind of the rule's constraint: `pod_restricted` -> `FalajPodRestricted`."""
    return "Falaj" + "".join(word.capitalize() for word in rule.id.split("_"))


def _template(what: Admissible, modules: dict[str, str], types: dict[str, Any], digest: str) -> dict[str, Any]:
    rule = what.rule
    own = {"type": "object", "properties": types}
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": kind_name(rule).lower(), "annotations": {**manifests.annotations(rule, digest), **_joins(what), "description": rule.title}},
        "spec": {
            "crd": {
                "spec": {
                    "names": {"kind": kind_name(rule)},
                    "validation": {"openAPIV3Schema": {"type": "object", "properties": {"environment": {"type": "string"}, "rule": own}}},
                }
            },
            "targets": [
                {
                    "target": _TARGET,
                    "code": [
                        {
                            "engine": "Rego",
                            "source": {
                                "version": "v1",
                                "rego": entry(what, clock=reads_clock(modules)),
                                "libs": [library_module(text) for text in modules.values()],
                            },
                        }
                    ],
                }
            ],
        },
    }


def _joins(what: Admissible) -> dict[str, str]:
    """Gatekeeper's own note of what a template must have kept for it; its tools check it."""
    if what.form != "audit":
        return {}
    wanted = ", ".join(
        f'[{{"groups":["{kind.group}"],"versions":["{kind.version}"],"kinds":["{kind.kind}"]}}]' for kind in (*what.kinds, *what.joined) if kind != ANY
    )
    return {"metadata.gatekeeper.sh/requires-sync-data": f'"[{wanted}]"'}


def _constraint(what: Admissible, values: dict[str, Any], environment: str, digest: str) -> dict[str, Any]:
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": kind_name(what.rule),
        "metadata": {"name": manifests.dns_name(what.rule), "annotations": manifests.annotations(what.rule, digest)},
        "spec": {
            **_action(what),
            "match": {"kinds": _matched(what.kinds), "excludedNamespaces": [*SPARED_NAMESPACES, _OWN_NAMESPACE]},
            "parameters": {"environment": environment, "rule": values},
        },
    }


def _action(what: Admissible) -> dict[str, Any]:
    action = "deny" if manifests.is_binding(what.rule) else "warn"
    if what.form == "admission":
        return {"enforcementAction": action}
    scoped = {"action": action, "enforcementPoints": [{"name": name} for name in _AUDITS]}
    return {"enforcementAction": "scoped", "scopedEnforcementActions": [scoped]}


def _matched(kinds: tuple[ApiKind, ...]) -> list[dict[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for kind in kinds:
        groups.setdefault(kind.group, []).append(kind.kind)
    return [{"apiGroups": [group], "kinds": sorted(set(names))} for group, names in sorted(groups.items())]


def _config(able: list[Admissible], digest: str) -> dict[str, Any]:
    kept = sorted({kind for what in able if what.form == "audit" for kind in (*what.kinds, *what.joined) if kind != ANY})
    return {
        "apiVersion": "config.gatekeeper.sh/v1alpha1",
        "kind": "Config",
        "metadata": {"name": "config", "namespace": _OWN_NAMESPACE, "annotations": {"falaj/policy-digest": digest}},
        "spec": {"sync": {"syncOnly": [{"group": kind.group, "version": kind.version, "kind": kind.kind} for kind in kept]}},
    }
