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
# What is not known yet and what is secret come as an Element with a V, as Pulumi holds them. Behind what is not known V is empty, or nothing but the
# frame of an asset; a secret that is empty looks the same, and is not known either.
_wrapped(value) if {{
	is_object(value)
	object.keys(value) == {{"Element"}}
	is_object(value.Element)
	object.keys(value.Element) == {{"V"}}
}}

_empty(value) if value in {{"", false, 0, [], {{}}}}

_empty(value) if value["{signature}"]

_mark(wrapped) := "unknown" if {{
	_empty(wrapped.Element.V)
}} else := "secret"

# Should it ever come as one of these texts, it is not known either.
_unknown := `"({unknown})"`

_shown(value) := _marked(json.unmarshal(regex.replace(json.marshal(value), _unknown, `{{"Element":{{"V":""}}}}`)))

_marked(value) := json.patch(value, [{{"op": "replace", "path": path, "value": {{"__falaj__": _mark(wrapped)}}}} |
	some path, wrapped in found
	within := [other | some other, _ in found; count(other) < count(path); array.slice(path, 0, count(other)) == other]
	count(within) == 0
]) if {{
	contains(json.marshal(value), `{{"Element":{{"V":`)
	found := {{path: held | walk(value, [path, held]); _wrapped(held)}}
}} else := value

_told := [input] if {{
	is_string(input.__urn)
}} else := input.resources

_provider(told) := concat("", [told.__provider.urn, "::"]) if {{
	is_string(told.__provider.urn)
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
	"property_dependencies": _references(told),
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

# Of one resource they are not told.
_references(told) := {{}} if {{
	input.__urn
}} else := told.propertyDependencies if {{
	is_object(told.propertyDependencies)
}} else := {{}}

_awaited(told) := [field | some field, value in _shown(told.__properties); contains(json.marshal(value), `"__falaj__":"unknown"`)]

# A resource comes with its provider, which some rules look into; where all are told, it is one of them.
_providers := {{provider |
	some told in _told
	is_string(told.__provider.urn)
	not told.__provider.urn in _urns
	provider := {{
		"urn": told.__provider.urn,
		"type": told.__provider.type,
		"name": told.__provider.name,
		"op": "create",
		"custom": true,
		"provider": null,
		"inputs": _shown(told.__provider.properties),
		"property_dependencies": {{}},
	}}
}}

_urns := {{told.__urn | some told in _told}}

_resources := array.concat([provider | some provider in _providers], [_resource(told) | some told in _told])

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
_LATER = """
# There is something unknown in a preview only. The update asks of each resource again, with its values then known, before the step is taken.
warn_falaj_later contains sprintf("{rules}: not known yet, so judged before the step: %v", [concat(", ", fields)]) if {{
	input.__urn
	fields := sort(_awaited(input))
	count(fields) > 0
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
	found := {unknown}{without}
	some urn, whats in found
	{mine}some what in whats
}}
"""
_BEFORE = """
# METADATA
# title: {title}
# description: {description}
{name} contains sprintf("{id}: %v", [why]) if {{
	some urn, whys in {fail}
	_mine(urn)
	some why in whys
}}
"""
_PROJECT = """description: The rules of Falaj for environment {environment}; policies {digest}
runtime: opa
"""
_README = """# Falaj's rules for Pulumi's OPA runtime

Parameters of environment `{environment}`; policies {digest}.

    pulumi preview --policy-pack .

The runtime shows no severity, framework or remediation: `falaj policy explain RULE` does. Not known here, unlike in `falaj gate`: waivers,
approvals, checkov's findings, what a run would delete. Not told by the runtime, unlike to the pack in Python:

- of one resource, to what its inputs refer: of a value that is not known yet {later} warn in
  the preview, and judge it in the update, before its step;
- an empty secret from a value that is not known yet: both are taken as not known;
- of all resources at the end, the inputs: rules that join resources see the outputs there, in a preview as far as they are known. An input
  that the provider leaves out of its outputs is not seen, one that it fills in is.

A value that is not known where a rule needs it is refused.
"""


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write PulumiPolicy.yaml, falaj.rego and README.md; the paths, sorted. Equal input gives equal bytes.

    Raises UsageError for an environment without parameters.
    """
    words = {"environment": environment, "digest": library.digest}
    files = {
        "PulumiPolicy.yaml": _PROJECT.format(**words),
        "README.md": _README.format(**words, later=" and ".join(", ".join(later(library)).rsplit(", ", 1))),
        "falaj.rego": _rego(library, environment),
    }
    for name, text in files.items():
        write_durably(out / name, text.encode())
    return sorted(out / name for name in files)


def _rego(library: Library, environment: str) -> str:
    from infra.policy_build.pulumi_pack.runner import SIGNATURE, UNKNOWN

    built = data(library, environment)
    entry = _ENTRY.format(
        unknown="|".join(sorted(UNKNOWN)),
        signature=SIGNATURE,
        parameters=json.dumps(built["parameters"], sort_keys=True),
        environment=json.dumps(environment),
        types=json.dumps(built["types"]) if built["types"] else "[]",
    )
    head = _HEAD.format(package=_PACKAGE, digest=library.digest, environment=environment)
    return head + flatten(modules(library), asked="_asked") + entry + _LATER.format(rules=", ".join(later(library))) + "".join(_entries(library))


def later(library: Library) -> list[str]:
    """The rules that ask of every unknown input what it refers to. This runtime tells inputs without references and references without inputs."""
    return [rule.id for rule in library.of_kind("plan") if "plan.unsettled" in rule.path.read_text(encoding="utf-8")]


def _entries(library: Library) -> Iterator[str]:
    waiting = later(library)
    for rule in library.of_kind("plan"):
        alone, waits = is_alone(rule), rule.id in waiting
        words = {"id": rule.id, "title": json.dumps(rule.title), "description": json.dumps(rule.remediation), "fail": flat_name(rule.package, "fail")}
        yield _RULE.format(
            **words,
            name=policy_name(rule, alone=alone),
            without=f" with data.{_PACKAGE}.{flat_name('falaj.lib.plan', 'unsettled')} as {{}}" if waits else "",
            unknown=flat_name(rule.package, "unknown"),
            mine="_mine(urn)\n\t" if alone else "",
            where='""' if alone else 'concat("", [urn, ": "])',
        )
        if waits and not alone:
            # What it finds wrong in one resource is found before the step as well, with the values of the update.
            yield _BEFORE.format(**words, name=policy_name(rule, alone=True))


def policy_name(rule: Rule, *, alone: bool) -> str:
    """Names decide what the runtime does: `deny` refuses, `warn` reports, `stack_` is asked of all resources at once."""
    return f"{'' if alone else 'stack_'}{'deny' if rule.level == 'mandatory' else 'warn'}_{rule.id}"
