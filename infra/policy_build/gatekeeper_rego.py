"""The Rego of a ConstraintTemplate: a rule and its helpers word for word, and an entry that lays objects out as a plan."""

from __future__ import annotations

import json
import re

from infra.policy_build.admissible import MADE_BY_CLUSTER, MADE_BY_USERS, Admissible

_ENTRY = """package falaj.admission

import data.lib.{package} as rule

violation contains {{"msg": sprintf("{id}: %v", [why]), "details": {{"rule": "{id}", "subject": subject, "why": why}}}} if {{
	fail := rule.fail with input as asked
	some why in fail[subject]
}}

violation contains {{"msg": sprintf("{id}: it cannot be told here: %v", [what]), "details": {{"rule": "{id}", "subject": subject, "unknown": what}}}} if {{
	unknown := rule.unknown with input as asked
	some what in unknown[subject]
}}

# What the rule must judge and did not is never let in.
violation contains {{"msg": "{id}: the rule did not judge it", "details": {{"rule": "{id}", "subject": subject}}}} if {{
	type_of(reviewed) in must_judge
	judged := rule.judged with input as asked
	not subject in judged
}}

# A plan's mark for what is hidden means nothing in a cluster; written into an object by hand it would hide a value from the rule.
violation contains {{"msg": "{id}: it holds the mark __falaj__", "details": {{"rule": "{id}", "subject": subject}}}} if {{
	walk(reviewed, [path, _])
	path[count(path) - 1] == "__falaj__"
}}

must_judge := {must_judge}

reviewed := input.review.object if not clusters_own

# What the cluster itself keeps up, or puts into every namespace, is not there to be reviewed: without it nothing runs there.
clusters_own if [input.review.object.kind, name(input.review.object)] in {clusters_own}

clusters_own if input.review.userInfo.username in {clusters_users}

subject := urn(reviewed)

asked := {{
	"plan": {{"environment": input.parameters.environment, "resources": [resource(it) | some it in planned]}},
	"parameters": object.get(input.parameters, "rule", {{}}),{now}
}}

{planned}

urn(it) := sprintf("urn:pulumi:admission::cluster::%v::%v/%v", [type_of(it), object.get(it.metadata, "namespace", ""), name(it)])

name(it) := object.get(it.metadata, "name", object.get(it.metadata, "generateName", ""))

type_of(it) := sprintf("kubernetes:%v:%v", [it.apiVersion, it.kind]) if contains(it.apiVersion, "/")

type_of(it) := sprintf("kubernetes:core/%v:%v", [it.apiVersion, it.kind]) if not contains(it.apiVersion, "/")

resource(it) := {{
	"urn": urn(it),
	"type": type_of(it),
	"name": name(it),
	"op": "create",
	"custom": true,
	"provider": "urn:pulumi:admission::cluster::pulumi:providers:kubernetes::cluster::",
	"inputs": inputs(it),
	"dependencies": [],
	"property_dependencies": {{}},
}}

# As a program would have written it: without what the cluster adds, and with a Secret's values hidden, as they are in a plan.
inputs(it) := {{key: shown(it, key, value) |
	some key, value in it
	key != "status"
}}

shown(it, key, _) := {{"__falaj__": "secret"}} if hidden(it, key)

shown(it, key, value) := {{part: bare(it, part, inner) |
	some part, inner in value
	part != "managedFields"
}} if {{
	key == "metadata"
}}

shown(it, key, value) := value if {{
	key != "metadata"
	not hidden(it, key)
}}

bare(it, part, inner) := object.remove(inner, ["kubectl.kubernetes.io/last-applied-configuration"]) if copied(it, part)

bare(it, part, inner) := inner if not copied(it, part)

# kubectl writes a Secret's values into an annotation of the same Secret.
copied(it, part) if {{
	part == "annotations"
	secret(it)
}}

hidden(it, key) if {{
	key in {{"data", "stringData"}}
	secret(it)
}}

secret(it) if type_of(it) == "kubernetes:core/v1:Secret"
"""

_ONE = "planned := [reviewed]"
_ALL = """# The rule joins objects, so it is asked about all that Gatekeeper keeps of its kinds; the one under review stands for itself.
planned := array.concat([reviewed], [it |
	some it in kept
	type_of(it) in wanted
	urn(it) != subject
])

wanted := {wanted}

kept contains it if {{
	some kinds in data.inventory.cluster
	some named in kinds
	some it in named
}}

kept contains it if {{
	some versions in data.inventory.namespace
	some kinds in versions
	some named in kinds
	some it in named
}}"""


def entry(what: Admissible, *, clock: bool) -> str:
    """The template's own module. `clock` adds the present, for a rule that asks for it."""
    return _ENTRY.format(
        id=what.rule.id,
        package=what.rule.package,
        clusters_own=json.dumps([list(each) for each in MADE_BY_CLUSTER]),
        clusters_users=_set(list(MADE_BY_USERS)),
        must_judge=_set([kind.token for kind in what.must_judge]),
        planned=_ALL.format(wanted=_set([kind.token for kind in (*what.kinds, *what.joined)])) if what.form == "audit" else _ONE,
        now='\n\t"now": time.format([time.now_ns(), "UTC", "2006-01-02T15:04:05Z"]),' if clock else "",
    )


def library_module(text: str) -> str:
    """A module of ours as Gatekeeper takes it: packages lie below `lib`, and that it is Rego v1 is said outside."""
    for pattern, replacement in ((r"^package falaj\.", "package lib.falaj."), (r"^import rego\.v1\n\n?", ""), (r"\bdata\.falaj\.", "data.lib.falaj.")):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def _set(texts: list[str]) -> str:
    return "{" + ", ".join(json.dumps(text) for text in texts) + "}" if texts else "set()"
