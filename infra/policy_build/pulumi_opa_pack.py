"""A Pulumi policy pack for the CLI's own OPA runtime (`runtime: opa`): the library in one package, under the names that runtime knows.

`deny_*` and `warn_*` are asked of each resource, `stack_deny_*` and `stack_warn_*` of all in `input.resources`. Which rule is which is decided
as for the pack in Python: what needs no other resource is asked of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from falaj.files import write_durably
from infra.pipeline.flat import flat_name, flatten
from infra.pipeline.library import Library, Rule
from infra.policy_build.pulumi_pack import data, is_alone, modules

_PACKAGE = "falaj"
_HEAD = """package {package}

import rego.v1

# The rules of Falaj; policies {digest}; parameters of environment {environment}.

"""
_ENTRY = """
# Pulumi writes what it does not know yet as one of these texts.
_unknown := `"({unknown})"`

_shown(value) := json.unmarshal(regex.replace(json.marshal(value), _unknown, `{{"__falaj__":"unknown"}}`))

_told := input.resources if {{
	is_array(input.resources)
	not input.__urn
}} else := [input]

_provider(told) := concat("", [told.__provider.urn, "::"]) if {{
	is_string(told.__provider.urn)
}} else := concat("", [told.__provider.__urn, "::"]) if {{
	is_string(told.__provider.__urn)
}} else := null

_custom(told) if _provider(told) != null

_custom(told) if startswith(told.__type, "pulumi:providers:")

_resource(told) := {{
	"urn": told.__urn,
	"type": told.__type,
	"name": told.__name,
	"op": "create",
	"custom": true,
	"provider": _provider(told),
	"inputs": _shown(told.__properties),
	"property_dependencies": object.get(told, "__propertyDependencies", {{}}),
}} if {{
	_custom(told)
}} else := {{
	"urn": told.__urn,
	"type": told.__type,
	"name": told.__name,
	"op": "create",
	"custom": false,
	"provider": null,
	"inputs": _shown(told.__properties),
	"property_dependencies": {{}},
}}

# A resource comes with its provider, which some rules look into.
_beside(told) := [{{
	"urn": trim_suffix(_provider(told), "::"),
	"type": told.__provider.__type,
	"name": told.__provider.__name,
	"op": "create",
	"custom": true,
	"provider": null,
	"inputs": _shown(told.__provider.__properties),
	"property_dependencies": {{}},
}}] if {{
	not input.resources
	is_object(told.__provider.__properties)
}} else := []

_resources := [resource | some told in _told; some resource in array.concat(_beside(told), [_resource(told)])]

_now := time.format([time.now_ns(), "UTC", "RFC3339"])

_parameters := {parameters}

_asked := {{"plan": {{"environment": {environment}, "resources": _resources}}, "parameters": _parameters, "now": _now}}

_mine(urn) if input.__urn == urn

_types := {types}

# What the gate calls a fault: an answer that is missing, a type that nobody knows.
stack_deny_falaj_gate contains "no rule found anything to judge" if {{
	count([1 | some answer in gate_plan__answers; count(object.get(answer, "judged", [])) > 0]) == 0
}}

stack_deny_falaj_gate contains sprintf("no rule knows type %v, and nobody has reviewed it", [type]) if {{
	_parameters.unjudged_types == "deny"
	some answer in gate_plan__answers
	some type, _ in answer.types
	not type in _types
}}

stack_deny_falaj_gate contains sprintf("rule %v did not judge %v, which it must", [answer.rule, urn]) if {{
	some answer in gate_plan__answers
	some urn in answer.overlooked
}}
"""
_RULE = """
# METADATA
# title: {title}
# description: {description}
{name} contains sprintf("{id}: %v%v", [{where}, why]) if {{
	some urn, whys in {fail}
	{mine}some why in whys
}}

{name} contains sprintf("{id}: %v%v", [{where}, what]) if {{
	some urn, whats in {unknown}
	{mine}some what in whats
}}
"""
_PROJECT = """description: The rules of Falaj for environment {environment}; policies {digest}
runtime: opa
"""
_README = """# Falaj's rules for Pulumi's OPA runtime

Parameters of environment `{environment}`; policies {digest}.

    pulumi preview --policy-pack .

The runtime shows no severity, framework or remediation: `falaj policy explain RULE` does. Not known here, unlike in `falaj gate`: waivers,
approvals, checkov's findings, what a run would delete, whether a value is secret, and, where the runtime does not tell them, references
between resources whose names are not known yet. The pack in Python knows the last two.
"""


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write PulumiPolicy.yaml, falaj.rego and README.md; the paths, sorted. Equal input gives equal bytes.

    Raises UsageError for an environment without parameters.
    """
    words = {"environment": environment, "digest": library.digest}
    files = {"PulumiPolicy.yaml": _PROJECT.format(**words), "README.md": _README.format(**words), "falaj.rego": _rego(library, environment)}
    for name, text in files.items():
        write_durably(out / name, text.encode())
    return sorted(out / name for name in files)


def _rego(library: Library, environment: str) -> str:
    from infra.policy_build.pulumi_pack.runner import UNKNOWN

    built = data(library, environment)
    entry = _ENTRY.format(
        unknown="|".join(sorted(UNKNOWN)),
        parameters=json.dumps(built["parameters"], sort_keys=True),
        environment=json.dumps(environment),
        types=json.dumps(built["types"]) if built["types"] else "[]",
    )
    head = _HEAD.format(package=_PACKAGE, digest=library.digest, environment=environment)
    return head + flatten(modules(library), asked="_asked") + entry + "".join(_entries(library))


def _entries(library: Library) -> Iterator[str]:
    for rule in library.of_kind("plan"):
        alone = is_alone(rule)
        yield _RULE.format(
            id=rule.id,
            title=json.dumps(rule.title),
            description=json.dumps(rule.remediation),
            name=_name(rule, alone),
            fail=flat_name(rule.package, "fail"),
            unknown=flat_name(rule.package, "unknown"),
            mine="_mine(urn)\n\t" if alone else "",
            where='""' if alone else 'concat("", [urn, ": "])',
        )


def _name(rule: Rule, alone: bool) -> str:
    """Names decide what the runtime does: `deny` refuses, `warn` reports, `stack_` is asked of all resources at once."""
    return f"{'' if alone else 'stack_'}{'deny' if rule.level == 'mandatory' else 'warn'}_{rule.id}"
