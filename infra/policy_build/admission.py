"""ValidatingAdmissionPolicies with CEL: what the API server itself can judge, with nothing installed in the cluster.

CEL is written by hand beside the rules (`policies/admission/`), for those simple enough, and proven against the rule's samples. The
environment's parameters stand in the policy as literals, so that no object that is missing could switch a rule off. A list that changes
with every image is a ConfigMap of its own; where that is missing everything is refused.
"""

from __future__ import annotations

import json
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from falaj.errors import UsageError
from falaj.files import write_json
from infra.pipeline.library import Library, load_library
from infra.policy_build import manifests
from infra.policy_build.admissible import ANY, MADE_BY_CLUSTER, MADE_BY_USERS, SPARED_NAMESPACES, Admissible, ApiKind, admissible

_PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}
_LISTS = "kube-system"
"""Namespace of the lists: nobody but who runs the cluster writes there."""
_DYING = "!(request.operation == 'UPDATE' && has(object.metadata.deletionTimestamp) && object.?spec == oldObject.?spec)"
"""An object that is going may lose its finalizers, whatever it was; nothing else of it may change."""
_WHOLE = {"matchPolicy": "Equivalent", "objectSelector": {}}
"""What the server would put in. It takes what is matched as one value, and whoever says a part of it would always find it changed."""

_NOT_THE_CLUSTERS_OWN = " && ".join(
    [
        f"!(request.userInfo.username in {json.dumps(MADE_BY_USERS)})",
        *(f"!(object.kind == '{kind}' && object.metadata.?name.orValue('') == '{name}')" for kind, name in MADE_BY_CLUSTER),
    ]
)


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write policies/ (each with its binding) and coverage.json; the paths, sorted.

    Equal input gives equal bytes. Raises UsageError for an environment without parameters, or CEL of no rule that can judge objects.
    """
    able, unable = admissible(library)
    made = documents(library, environment, digest=library.digest)
    written = [manifests.write(out / "policies" / f"{id.replace('_', '-')}.yaml", *each) for id, each in made.items()]
    coverage = out / "coverage.json"
    reasons = {what.rule.id: f"not simple enough for CEL; the Gatekeeper output has it ({what.form})" for what in able if what.rule.id not in made}
    not_judged = dict(sorted({**unable, **reasons}.items()))
    write_json(coverage, {"environment": environment, "policy_digest": library.digest, "judged": sorted(made), "not_judged": not_judged})
    return sorted([*written, coverage])


def documents(library: Library, environment: str, *, digest: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Rule -> its list, if it reads one, its policy and the policy's binding, each to be made after those before it.

    With a `digest` every object names the library by it, and so changes with any rule. Raises UsageError as `write` does.
    """
    parameters = library.parameters(environment)
    rules = {what.rule.id: what for what in admissible(library)[0]}
    made = {}
    for id, cel in _in_cel(library, rules).items():
        notes = manifests.annotations(rules[id].rule, digest)
        found = [_policy(rules[id], _variables(library, cel, parameters, id), notes), _binding(rules[id], notes)]
        made[id] = _with_its_list(found, rules[id], parameters[cel["listed"]], notes) if "listed" in cel else found
    return made


def for_cluster(environment: str) -> dict[str, list[dict[str, Any]]]:
    """What the checkout's own rules put at the door of the environment's cluster: `documents` without the library's name, which any rule changes."""
    return documents(load_library(), environment)


def object_name(id: str) -> str:
    """The name of a rule's policy and of its binding."""
    return "falaj-" + id.replace("_", "-")


def _in_cel(library: Library, rules: dict[str, Admissible]) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((library.folder / "admission").glob("*.yaml")):
        if path.stem == "common":
            continue
        if path.stem not in rules or rules[path.stem].form != "admission" or ANY in rules[path.stem].kinds:
            raise UsageError(
                f"policies/admission/{path.name} belongs to no rule that can judge one object of a cluster",
                given=path.stem,
                allowed=", ".join(id for id, what in rules.items() if what.form == "admission" and ANY not in what.kinds),
                next="name the file after its rule",
            )
        found[path.stem] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _variables(library: Library, cel: dict[str, Any], parameters: dict[str, Any], id: str) -> list[dict[str, str]]:
    """The policy's variables in the order in which they use each other; the last, `why`, holds all reasons."""
    unknown = sorted(set(cel) - {"uses", "parameters", "listed", "reasons"})
    if unknown or not cel.get("reasons"):
        raise UsageError(f"policies/admission/{id}.yaml is wrong", given=", ".join(unknown) or "no reasons", allowed="uses, parameters, listed, reasons")
    made = {name: literal(reduce(getitem, path.split("."), parameters)) for name, path in cel.get("parameters", {}).items()}
    if cel.get("uses"):
        shared = yaml.safe_load((library.folder / "admission" / "common.yaml").read_text(encoding="utf-8"))
        made |= {name: shared[name] for name in cel["uses"]}
    made["why"] = " + ".join(f"({reason})" for reason in cel["reasons"])
    return [{"name": name, "expression": expression} for name, expression in made.items()]


def literal(value: Any) -> str:
    """A JSON value in CEL, which shares JSON's notation; a float keeps its point and a text escapes what is not ASCII."""
    return json.dumps(value)


def _policy(what: Admissible, variables: list[dict[str, str]], notes: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": object_name(what.rule.id), "annotations": notes},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [_resources(kind) for kind in what.kinds], "namespaceSelector": {}, **_WHOLE},
            "matchConditions": [
                {"name": "is-not-merely-going", "expression": _DYING},
                {"name": "is-not-the-clusters-own", "expression": _NOT_THE_CLUSTERS_OWN},
            ],
            "variables": variables,
            "validations": [
                {
                    "expression": "variables.why.size() == 0",
                    "message": f"{what.rule.id}: {what.rule.title}",
                    "messageExpression": f"'{what.rule.id}: ' + variables.why.join(' | ')",
                    "reason": "Forbidden",
                }
            ],
        },
    }


def _with_its_list(made: list[dict[str, Any]], what: Admissible, listed: dict[str, str], notes: dict[str, str]) -> list[dict[str, Any]]:
    """A policy and its binding that read `listed` (name -> word) from a ConfigMap, and that ConfigMap before them."""
    policy, binding = made
    place = {"name": object_name(what.rule.id), "namespace": _LISTS}
    policy["spec"]["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    binding["spec"]["paramRef"] = {**place, "parameterNotFoundAction": "Deny"}
    words = {name.replace(":", "-"): word for name, word in sorted(listed.items())}
    metadata = {**place, "annotations": notes}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": words}, *made]


def _resources(kind: ApiKind) -> dict[str, Any]:
    plural = _PLURALS.get(kind.kind, kind.kind.lower() + "s")
    # A container can be put into a pod that runs.
    resources = [plural, "pods/ephemeralcontainers"] if plural == "pods" else [plural]
    return {"apiGroups": [kind.group], "apiVersions": [kind.version], "operations": ["CREATE", "UPDATE"], "resources": resources, "scope": "*"}


def _binding(what: Admissible, notes: dict[str, str]) -> dict[str, Any]:
    spared = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(SPARED_NAMESPACES)}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": object_name(what.rule.id), "annotations": notes},
        "spec": {
            "policyName": object_name(what.rule.id),
            "validationActions": ["Deny"] if manifests.is_binding(what.rule) else ["Warn", "Audit"],
            "matchResources": {"namespaceSelector": {"matchExpressions": [spared]}, **_WHOLE},
        },
    }
