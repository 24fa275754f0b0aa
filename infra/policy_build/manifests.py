"""Kubernetes manifests as YAML that is the same byte for byte each time, with texts of many lines readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from falaj.files import write_durably
from infra.pipeline.library import Rule


class _Dumper(yaml.SafeDumper):
    """Writes texts of many lines as blocks, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def write(path: Path, *documents: dict[str, Any]) -> Path:
    """Write the documents to one file, in their own order of keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join("---\n" + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=160, allow_unicode=True) for document in documents)
    write_durably(path, text.encode())
    return path


def annotations(rule: Rule, digest: str | None) -> dict[str, str]:
    """What every object made from a rule says about where it comes from; `digest`, where there is one, names the whole library."""
    return {
        **({"falaj/policy-digest": digest} if digest else {}),
        "falaj/rule": rule.id,
        "falaj/check": rule.check,
        "falaj/severity": rule.severity,
        "falaj/title": rule.title,
        "falaj/remediation": rule.remediation,
    }


def dns_name(rule: Rule) -> str:
    """The rule's id as an object may be called."""
    return rule.id.replace("_", "-")


def is_binding(rule: Rule) -> bool:
    """True where a failure refuses the object: a mandatory rule without a period of grace. What is written here knows no date."""
    return rule.level == "mandatory" and rule.effective_on <= rule.since
