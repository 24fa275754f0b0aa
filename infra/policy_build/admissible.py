"""Which rules can judge at a cluster's door, what they need there, and why the others cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from infra.pipeline.flat import reachable
from infra.pipeline.library import Library, Rule

Form = Literal["admission", "audit"]
SPARED_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
"""What the cluster's makers run there comes from no plan of ours, and the cluster does not start without it."""
MADE_BY_CLUSTER = (("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"))
"""Kind and name of what a cluster's own controllers put into every namespace; refusing them would leave the namespace unusable."""
MADE_BY_USERS = (
    "system:apiserver",
    "system:serviceaccount:kube-system:clusterrole-aggregation-controller",
    "eks:addon-manager",
    "eks:cluster-bootstrap",
)
"""Who keeps up the roles and add-ons that the cluster brings along; some of them permit what we would not. The second puts into `admin` and `edit` what
others permitted before, and each of those was judged."""
_CLIENT_SIDE = {"helm.sh", "yaml", "kustomize", "helm"}
"""Groups of the provider's own types, which no API server knows."""
_OF_THE_SERVER = {"admissionregistration.k8s.io", "apiextensions.k8s.io"}
"""Groups that say what the API server is and whom it asks: it asks nobody about the first, and a cluster is put right by changing the second."""
_DOOR = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
"""How the types of a cluster's door begin. What judges whether it is there joins it to the rest of a plan, and nobody stands at the door to ask."""
_CORE = "core"


@dataclass(frozen=True, order=True)
class ApiKind:
    """A kind of Kubernetes objects; `group` is empty for the core group, `*` in both fields for every kind."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def token(self) -> str:
        """The type as plans name it."""
        return f"kubernetes:{self.group or _CORE}/{self.version}:{self.kind}"


ANY = ApiKind("*", "*", "*")


@dataclass(frozen=True)
class Admissible:
    """A rule that can judge objects of a cluster."""

    rule: Rule
    form: Form
    """`admission`: one object says enough. `audit`: it is joined to others, so it is judged among all that there is."""
    kinds: tuple[ApiKind, ...]
    """What it judges."""
    joined: tuple[ApiKind, ...]
    """What it must see beside that."""
    must_judge: tuple[ApiKind, ...]
    """Kinds of which it may leave out no object."""


def admissible(library: Library) -> tuple[list[Admissible], dict[str, str]]:
    """The rules that can judge a cluster's objects, and for every other rule the reason why it cannot."""
    able, unable = [], {}
    for rule in library.rules:
        found = _admissible(rule) if rule.kind == "plan" else f"it judges no plan but {_ABOUT[rule.kind]}"
        if isinstance(found, str):
            unable[rule.id] = found
        else:
            able.append(found)
    return able, unable


_ABOUT = {"release": "a model release", "repository": "the repository", "evidence": "evidence documents"}


def _admissible(rule: Rule) -> Admissible | str:
    subjects, reads = _kinds(rule.subjects), _kinds(rule.reads)
    others = sorted({type for type in [*rule.subjects, *rule.reads] if _is_other(type)})
    if unasked := sorted(type for type in rule.subjects if type.startswith(_DOOR)):
        return f"of {', '.join(unasked)} the API server asks nobody"
    if not subjects and not reads:
        return f"no object of a cluster is its subject, only {', '.join(others)}"
    if not subjects:
        # It picks its subjects itself: by their own fields where it reads one kind, or each by itself; beyond that it may join them.
        return Admissible(rule, "admission" if len(reads) == 1 else "audit", tuple(reads), (), ())
    return Admissible(rule, "audit" if reads else "admission", tuple(subjects), tuple(reads), tuple(kind for kind in subjects if kind != ANY))


def _kinds(types: tuple[str, ...] | list[str]) -> list[ApiKind]:
    return sorted({kind for type in types if (kind := api_kind(type))})


def _is_other(type: str) -> bool:
    return api_kind(type) is None


def api_kind(type: str) -> ApiKind | None:
    """The API kind that a plan's type names; None for a type that no API server knows, or asks nobody about."""
    if type in ("*", "kubernetes:*"):
        return ANY
    found = re.fullmatch(r"kubernetes:([a-z0-9.-]+)/(v[0-9a-z]+):([A-Za-z0-9]+)", type)
    if found is None or found[1] in _CLIENT_SIDE | _OF_THE_SERVER:
        return None
    return ApiKind("" if found[1] == _CORE else found[1], found[2], found[3])


def modules_of(library: Library, rule: Rule) -> dict[str, str]:
    """Package -> Rego text of the rule and of every helper that it stands on, however far down."""
    return reachable({_package(text): text for text in library.modules.values()}, rule.package)


def _package(text: str) -> str:
    found = re.search(r"^package\s+(\S+)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def parameters_of(modules: dict[str, str], parameters: dict[str, Any]) -> dict[str, Any]:
    """Those parameters that the modules read; all of them where a module takes the whole."""
    text = "\n".join(modules.values())
    if re.search(r"\binput\.parameters\b(?!\.\w)(?!\[\")", text):
        return parameters
    names = set(re.findall(r"\binput\.parameters(?:\.|\[\")(\w+)", text))
    return {name: value for name, value in parameters.items() if name in names}


def reads_clock(modules: dict[str, str]) -> bool:
    """True where a module asks what time it is."""
    return any(re.search(r"\binput\.now\b", text) for text in modules.values())
