"""What the environment may cost a month, and who hears of it before it does."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig

_SPENT_PERCENT, _EXPECTED_PERCENT = 80, 100


class Budget(pulumi.ComponentResource):
    """A monthly budget over the account's whole bill: word when most of it is spent, and when it is expected to be passed.

    Over the whole account, since an environment has one of its own and what nobody tagged costs as well. It lies in us-east-1, as all that is
    billed does: amounts of money and tags, no data.
    """

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cost:Budget", name, None, opts)
        aws.budgets.Budget(
            name,
            name=naming.prefix(config),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(config.budget.usd_a_month),
            limit_unit="USD",
            notifications=[self._word("ACTUAL", _SPENT_PERCENT, config), self._word("FORECASTED", _EXPECTED_PERCENT, config)],
            tags=naming.tags(config, "internal", "cost"),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})

    @staticmethod
    def _word(kind: str, percent: int, config: FoundationConfig) -> aws.budgets.BudgetNotificationArgsDict:
        return {
            "notification_type": kind,
            "comparison_operator": "GREATER_THAN",
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": list(config.budget.tell),
        }
