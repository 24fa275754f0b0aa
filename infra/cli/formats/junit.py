"""JUnit XML: a suite per decision, a case per rule and subject. An unknown is an error, a waived failure is skipped, a fault is a case of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from infra.cli.formats import named

if TYPE_CHECKING:
    from infra.artifacts import Decision, RuleResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(decisions: Sequence[Decision], *, program: str = "") -> str:
    """The whole document; characters that XML cannot hold are replaced."""
    root = Xml.Element("testsuites", name="falaj gate")
    for decision in decisions:
        root.append(_suite(decision))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite(decision: Decision) -> Xml.Element:
    cases = [case for rule in decision.rules for case in _cases(decision, rule)]
    for fault in decision.faults:
        case = Xml.Element("testcase", classname="gate", name="fault")
        Xml.SubElement(case, "error", message=_text(fault), type="fault")
        cases.append(case)
    suite = Xml.Element("testsuite", name=decision.subject, timestamp=decision.decided_at.removesuffix("Z"), tests=str(len(cases)))
    for part, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(part) is not None for case in cases)))
    properties = Xml.SubElement(suite, "properties")
    for name in ("verdict", "environment", "subject_digest", "policy_digest", "parameters_digest"):
        Xml.SubElement(properties, "property", name=name, value=str(getattr(decision, name)))
    suite.extend(cases)
    return suite


def _cases(decision: Decision, rule: RuleResult) -> list[Xml.Element]:
    found = []
    for subject in rule.judged:
        case = Xml.Element("testcase", classname=f"{decision.kind}.{rule.rule}", name=_text(named(subject)))
        fail, unknown = rule.fail.get(subject), rule.unknown.get(subject)
        if fail and subject in rule.waived:
            Xml.SubElement(case, "skipped", message=_text(f"waived by {rule.waived[subject]}: {'; '.join(fail)}"))
        elif fail and rule.level == "advisory":
            Xml.SubElement(case, "system-out").text = _text(f"advisory: {'; '.join(fail)}")
        elif fail:
            Xml.SubElement(case, "failure", message=_text("; ".join(fail)), type=rule.severity).text = _text(rule.remediation)
        elif unknown:
            Xml.SubElement(case, "error", message=_text("; ".join(unknown)), type="unknown").text = _text(rule.remediation)
        elif subject in rule.deferred:
            Xml.SubElement(case, "skipped", message=_text(f"judged again by up: {'; '.join(rule.deferred[subject])}"))
        found.append(case)
    return found


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
