"""URNs: the names of resources, `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; the stack's own type is left out of its children's type chain."""
    chain = qualified_type(parent) if parent else ""
    if chain and chain != STACK_TYPE:
        type_ = f"{chain}${type_}"
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def qualified_type(urn: str) -> str:
    """Types of the ancestors and the own one, joined by `$`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """The resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """The resource's name, as the program gave it."""
    return urn.split("::", 3)[3]


def place_of(urn: str) -> tuple[str, str]:
    """(stack, project)."""
    stack, project = urn.removeprefix("urn:pulumi:").split("::", 2)[:2]
    return stack, project


def package_of(type_: str) -> str:
    """`aws` for `aws:s3/bucket:Bucket`, `aws` for `pulumi:providers:aws`."""
    return type_.removeprefix(PROVIDER_PREFIX) if is_provider(type_) else type_.split(":", 1)[0]


def is_provider(type_: str) -> bool:
    """True for the type of a provider resource."""
    return type_.startswith(PROVIDER_PREFIX)


def split_reference(reference: str) -> tuple[str, str]:
    """A provider reference `<urn>::<id>` as (urn, id)."""
    urn, _, id_ = reference.rpartition("::")
    return urn, id_
