"""What looks at an account's settings and its bill: Security Hub, Access Analyzer, budgets."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, given, tag_changes, words


def _hub(api: Api) -> dict[str, Any] | None:
    """The hub where it is on. Asked while it is off it answers as if somebody were refused."""
    hub = api("securityhub")
    try:
        return hub.describe_hub()
    except hub.exceptions.InvalidAccessException:
        return None


def _create_hub(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(ControlFindingGenerator=p.get("controlFindingGenerator"))
    api("securityhub").enable_security_hub(EnableDefaultStandards=p.get("enableDefaultStandards", True), **asked)
    return api.account


def _set_hub(api: Api, identity: str, p: Properties) -> None:
    asked = given(ControlFindingGenerator=p.get("controlFindingGenerator"))
    api("securityhub").update_security_hub_configuration(AutoEnableControls=p.get("autoEnableControls", True), **asked)


def _read_hub(api: Api, identity: str, known: Properties) -> Properties | None:
    hub = _hub(api)
    if hub is None:
        return None
    return {"arn": hub["HubArn"], "autoEnableControls": hub["AutoEnableControls"], "controlFindingGenerator": hub["ControlFindingGenerator"]}


def _delete_hub(api: Api, identity: str, held: Properties) -> None:
    if _hub(api):
        api("securityhub").disable_security_hub()


def _create_analyzer(api: Api, p: Properties, tags: Tags) -> str:
    api("accessanalyzer").create_analyzer(analyzerName=p["analyzerName"], type=p.get("type") or "ACCOUNT", tags=p.get("tagsAll") or {})
    return p["analyzerName"]


def _read_analyzer(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("accessanalyzer").get_analyzer(analyzerName=identity)["analyzer"]
    return {"analyzerName": identity, "arn": one["arn"], "type": one["type"], "tagsAll": one.get("tags") or {}}


def _update_analyzer(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    put, gone = tag_changes(old, new)
    if put:
        api("accessanalyzer").tag_resource(resourceArn=old["arn"], tags=put)
    if gone:
        api("accessanalyzer").untag_resource(resourceArn=old["arn"], tagKeys=gone)


def _find_analyzer(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["analyzerName"] if api.absent(api("accessanalyzer").get_analyzer, analyzerName=p["analyzerName"]) else None


def _budget(p: Properties) -> dict[str, Any]:
    limit = {"Amount": str(p["limitAmount"]), "Unit": p.get("limitUnit") or "USD"}
    return {"BudgetName": p["name"], "BudgetType": p["budgetType"], "TimeUnit": p["timeUnit"], "BudgetLimit": limit}


def _told(one: Properties) -> dict[str, Any]:
    """One notification as the API takes it: of what, and whom it tells."""
    people = [("EMAIL", each) for each in one.get("subscriberEmailAddresses") or []] + [("SNS", each) for each in one.get("subscriberSnsTopicArns") or []]
    return {
        "Notification": {
            "NotificationType": one["notificationType"],
            "ComparisonOperator": one["comparisonOperator"],
            "Threshold": float(one["threshold"]),
            "ThresholdType": one["thresholdType"],
        },
        "Subscribers": [{"SubscriptionType": kind, "Address": address} for kind, address in people],
    }


def _create_budget(api: Api, p: Properties, tags: Tags) -> str:
    told = [_told(one) for one in p.get("notifications") or []]
    api("budgets").create_budget(AccountId=api.account, Budget=_budget(p), NotificationsWithSubscribers=told)
    return f"{api.account}:{p['name']}"


def _arn(api: Api, name: str) -> str:
    return f"arn:{api.partition}:budgets::{api.account}:budget/{name}"


def _finish_budget(api: Api, identity: str, p: Properties) -> None:
    if p.get("tagsAll"):
        api("budgets").tag_resource(ResourceARN=_arn(api, p["name"]), ResourceTags=as_list(p["tagsAll"]))


def _read_budget(api: Api, identity: str, known: Properties) -> Properties | None:
    name, budgets = identity.split(":", 1)[1], api("budgets")
    one = budgets.describe_budget(AccountId=api.account, BudgetName=name)["Budget"]
    where = {"AccountId": api.account, "BudgetName": name}
    found = []
    for notification in budgets.describe_notifications_for_budget(**where)["Notifications"]:
        people = budgets.describe_subscribers_for_notification(**where, Notification=notification)["Subscribers"]
        addresses = {kind: [each["Address"] for each in people if each["SubscriptionType"] == kind] for kind in ("EMAIL", "SNS")}
        found.append(
            {
                "notificationType": notification["NotificationType"],
                "comparisonOperator": notification["ComparisonOperator"],
                "threshold": notification["Threshold"],
                "thresholdType": notification["ThresholdType"],
                **given(subscriberEmailAddresses=addresses["EMAIL"] or None, subscriberSnsTopicArns=addresses["SNS"] or None),
            }
        )
    return {
        "arn": _arn(api, name),
        "accountId": api.account,
        "name": name,
        "budgetType": one["BudgetType"],
        "timeUnit": one["TimeUnit"],
        "limitAmount": one["BudgetLimit"]["Amount"],
        "limitUnit": one["BudgetLimit"]["Unit"],
        "notifications": found,
        "tagsAll": from_list(budgets.list_tags_for_resource(ResourceARN=_arn(api, name))["ResourceTags"]),
    }


def _update_budget(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    budgets, where = api("budgets"), {"AccountId": api.account, "BudgetName": old["name"]}
    if changed & {"limitAmount", "limitUnit", "timeUnit"}:
        budgets.update_budget(AccountId=api.account, NewBudget=_budget(new))
    if "notifications" in changed:
        for one in budgets.describe_notifications_for_budget(**where)["Notifications"]:
            budgets.delete_notification(**where, Notification=one)
        for each in new.get("notifications") or []:
            budgets.create_notification(**where, **_told(each))
    put, gone = tag_changes(old, new)
    if put:
        budgets.tag_resource(ResourceARN=_arn(api, old["name"]), ResourceTags=as_list(put))
    if gone:
        budgets.untag_resource(ResourceARN=_arn(api, old["name"]), ResourceTagKeys=gone)


def _find_budget(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api.absent(api("budgets").describe_budget, AccountId=api.account, BudgetName=p["name"])
    return f"{api.account}:{p['name']}" if found else None


ROWS = [
    Row(
        type="aws:securityhub/account:Account",
        inputs=words("autoEnableControls controlFindingGenerator enableDefaultStandards"),
        create=_create_hub,
        finish=_set_hub,
        read=_read_hub,
        update=lambda api, identity, old, new, changed: _set_hub(api, identity, new),
        delete=_delete_hub,
        # An account has one hub at most, so the one that is there is it.
        find=lambda api, p, mark: api.account if _hub(api) else None,
        computed=words("arn"),
        chosen=words("controlFindingGenerator"),
        replaces=words("enableDefaultStandards"),
        identity=("enableDefaultStandards",),
        defaults={"autoEnableControls": True, "enableDefaultStandards": True},
        unseen=words("enableDefaultStandards"),
    ),
    Row(
        type="aws:accessanalyzer/analyzer:Analyzer",
        inputs=words("analyzerName type"),
        create=_create_analyzer,
        read=_read_analyzer,
        update=_update_analyzer,
        delete=lambda api, identity, held: api("accessanalyzer").delete_analyzer(analyzerName=identity),
        find=_find_analyzer,
        computed=words("arn"),
        replaces=words("analyzerName type"),
        identity=("analyzerName",),
        defaults={"type": "ACCOUNT"},
        tags=True,
    ),
    Row(
        type="aws:budgets/budget:Budget",
        inputs=words("budgetType limitAmount limitUnit name notifications timeUnit"),
        create=_create_budget,
        finish=_finish_budget,
        read=_read_budget,
        update=_update_budget,
        delete=lambda api, identity, held: api("budgets").delete_budget(AccountId=api.account, BudgetName=held["name"]),
        find=_find_budget,
        computed=words("accountId arn"),
        replaces=words("budgetType name"),
        identity=("name",),
        defaults={"limitUnit": "USD"},
        autoname="name",
        tags=True,
        regional=False,
        meaning=Meaning(unordered=words("notifications")),
    ),
]
