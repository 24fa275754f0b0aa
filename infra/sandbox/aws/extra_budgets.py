"""What moto's budgets lack: a change of one, its tags, and who is told."""

from __future__ import annotations

import json
from typing import Any


def install() -> None:
    """Add the missing calls to moto's budgets."""
    from moto.budgets.responses import BudgetsResponse

    def held(self: Any) -> Any:
        name = self._get_param("BudgetName") or self._get_param("NewBudget", {}).get("BudgetName") or self._get_param("ResourceARN").rsplit("/", 1)[-1]
        owner = self._get_param("AccountId") or self._get_param("ResourceARN").split(":")[4]
        self.backend.describe_budget(owner, name)
        return self.backend.budgets[owner][name]

    def update_budget(self: Any) -> str:
        held(self).budget.update(self._get_param("NewBudget"))
        return json.dumps({})

    def describe_subscribers_for_notification(self: Any) -> str:
        wanted = self._get_param("Notification")
        told = [one.subscribers for one in held(self).notifications if one.details == wanted]
        return json.dumps({"Subscribers": told[0] if told else []})

    def tag_resource(self: Any) -> str:
        _tags(held(self)).update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
        return json.dumps({})

    def untag_resource(self: Any) -> str:
        for key in self._get_param("ResourceTagKeys"):
            _tags(held(self)).pop(key, None)
        return json.dumps({})

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in sorted(_tags(held(self)).items())]})

    for call in (update_budget, describe_subscribers_for_notification, tag_resource, untag_resource, list_tags_for_resource):
        setattr(BudgetsResponse, call.__name__, call)


def _tags(budget: Any) -> dict[str, str]:
    """A budget's tags, which go with it."""
    if not hasattr(budget, "falaj_tags"):
        budget.falaj_tags = {}
    return budget.falaj_tags
