"""Asks the rules inside a policy pack: what Pulumi tells of resources becomes a plan, and the embedded engine judges it.

This file stands alone in the pack: it needs nothing but the engine and the rules.json beside it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = {
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
"""How Pulumi writes a value that is not known yet: text, truth, number, list, asset, archive, object."""
_FAULT = "falaj-gate"
Findings = dict[str, list[tuple[str, str]]]
"""Policy -> what it found: [URN, words]; the URN is empty for the whole stack."""


class Runner:
    """Keeps the resources of one run as Pulumi tells them, and judges one of them or all."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.rules: dict[str, dict[str, Any]] = {rule["id"]: rule for rule in data["rules"]}
        self._types = set(data["types"])
        self._engines = threading.local()
        self._mutex = threading.Lock()
        self._resources: dict[str, dict[str, Any]] = {}
        self._alone: dict[str, Findings] = {}

    @classmethod
    def read(cls, path: Path) -> Runner:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def record(self, urn: str, type: str, inputs: Any, provider: str | None, parent: str | None) -> None:
        """Take in what Pulumi says of a resource before its step. `provider` and `parent` are URNs; a component has no provider."""
        custom = provider is not None or type.startswith("pulumi:providers:")
        resource = {
            "urn": urn,
            "type": type,
            "name": urn.split("::", 3)[-1],
            "op": "create",
            "custom": custom,
            "parent": parent,
            "provider": f"{provider}::" if provider else None,
            "inputs": shown({key: value for key, value in (inputs or {}).items() if key != "__internal"}),
            "dependencies": [],
            "property_dependencies": {},
            "protect": False,
            "replace_keys": [],
            "diff_keys": [],
        }
        with self._mutex:
            self._resources[urn] = resource
            self._alone.pop(urn, None)

    def one(self, urn: str, now: str, *, preview: bool) -> Findings:
        """What the rules that need no other resource say of this one."""
        with self._mutex:
            if urn in self._alone:
                return self._alone[urn]
            beside = [each for each in self._resources.values() if each["type"].startswith("pulumi:providers:")]
            resources = [*(each for each in beside if each["urn"] != urn), self._resources[urn]]
        found = self._findings(self._asked(resources, now), now, preview, {id for id, rule in self.rules.items() if rule["alone"]})
        found = {policy: [(where, words) for where, words in said if where in (urn, "")] for policy, said in found.items()}
        with self._mutex:
            self._alone[urn] = found
        return found

    def all(self, references: Mapping[str, Mapping[str, list[str]]], now: str, *, preview: bool) -> Findings:
        """What the other rules say of all resources, and what is wrong with the asking. `references`: URN -> input -> URNs it came from."""
        with self._mutex:
            resources = [
                {**each, "property_dependencies": {key: sorted(urns) for key, urns in references.get(urn, {}).items()}} for urn, each in self._resources.items()
            ]
        answers = self._asked(resources, now)
        found = self._findings(answers, now, preview, {id for id, rule in self.rules.items() if not rule["alone"]})
        found[_FAULT] = [("", fault) for fault in self._faults(answers)]
        return found

    def _asked(self, resources: list[dict[str, Any]], now: str) -> list[dict[str, Any]] | str:
        """The answers of all rules; the reason where there are none."""
        plan = {
            "schema_": "falaj.plan/1",
            "environment": self.data["environment"],
            "project": "",
            "stack": "",
            "program": "",
            "state": {"serial": 0, "digest": ""},
            "resources": resources,
            "outputs": {},
        }
        try:
            engine = self._engine()
            engine.set_input_json(json.dumps({"plan": plan, "parameters": self.data["parameters"], "now": now}))
            said = json.loads(engine.eval_rule_as_json(self.data["asked"]))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as problem:  # a panic of the engine is no Exception
            self._engines.__dict__.clear()
            return f"the policy engine failed: {' '.join(str(problem).split('Stack backtrace:')[0].split())[:300]}"
        return said if isinstance(said, list) else "the rules gave no answer at all"

    def _engine(self) -> Any:
        """The engine of this thread, to which it is bound."""
        if not hasattr(self._engines, "loaded"):
            import regorus

            engine = regorus.Engine()  # ty: ignore[missing-attribute]
            engine.add_policy("rules.rego", self.data["rego"])
            self._engines.loaded = engine
        return self._engines.loaded

    def _findings(self, answers: list[dict[str, Any]] | str, now: str, preview: bool, wanted: set[str]) -> Findings:
        if isinstance(answers, str):
            return {id: [("", answers)] for id in wanted}
        said = {answer["rule"]: answer for answer in answers if "rule" in answer}
        found: Findings = {}
        for id in sorted(wanted):
            if id not in said:
                found[id] = [("", "the rule gave no answer")]
                continue
            words = [(urn, why) for urn, whys in said[id]["fail"].items() for why in whys]
            # What may wait until its step is asked again then, with the values known by that time.
            if self.rules[id]["unknown"] != "defer" or not preview or not self.rules[id]["alone"]:
                words += [(urn, what) for urn, whats in said[id]["unknown"].items() for what in whats]
            words += [(urn, "the rule did not judge it, and must") for urn in said[id].get("overlooked", [])]
            found[id] = sorted(words)
        return found

    def _faults(self, answers: list[dict[str, Any]] | str) -> list[str]:
        if isinstance(answers, str):
            return [answers]
        faults = []
        if not any(answer.get("judged") for answer in answers):
            faults.append("no rule found anything to judge")
        types = {type for answer in answers for type in answer.get("types", {})}
        if self.data["parameters"].get("unjudged_types") == "deny":
            faults += [f"no rule knows type {type}, and nobody has reviewed it" for type in sorted(types - self._types)]
        known = {type.lower() for type in self._types}
        faults += [f"type {type} is known in another case" for type in sorted(types - self._types) if type.lower() in known]
        return faults


def shown(value: Any) -> Any:
    """A value as Pulumi hands it over, with the markers of a plan for what is unknown or secret, and whole numbers as such."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == _SECRET:
            return {"__falaj__": "secret"}
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, str) and value in UNKNOWN:
        return {"__falaj__": "unknown"}
    return int(value) if isinstance(value, float) and value.is_integer() else value
