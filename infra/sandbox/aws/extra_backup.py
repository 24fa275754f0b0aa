"""AWS Backup's API, in memory: vaults with their locks, plans and selections. Nothing is ever backed up.

moto cannot change a plan, has no selections, and never gives up the name of a plan that was deleted.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from infra.sandbox.aws.rest import Refusal

Request = dict[str, Any]
_SHORTEST_GRACE = 3
"""Days for which a lock must stay changeable before it is for ever."""


def _missing(what: str, name: str) -> Refusal:
    return Refusal("ResourceNotFoundException", f"{what} {name} does not exist", 404)


class Backup:
    """One region's AWS Backup."""

    def __init__(self, account: str, region: str) -> None:
        self._arn = f"arn:aws:backup:{region}:{account}"
        self._vaults: dict[str, dict[str, Any]] = {}
        self._plans: dict[str, dict[str, Any]] = {}
        self._selections: dict[tuple[str, str], dict[str, Any]] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def CreateBackupVault(self, r: Request) -> Request:
        name = r["BackupVaultName"]
        if name in self._vaults:
            raise Refusal("AlreadyExistsException", f"Backup vault {name} already exists", 400)
        vault = {"BackupVaultName": name, "BackupVaultArn": f"{self._arn}:backup-vault:{name}", "CreationDate": time.time()}
        self._vaults[name] = {**vault, "EncryptionKeyArn": r.get("EncryptionKeyArn"), "NumberOfRecoveryPoints": 0, "Locked": False}
        self._tags[vault["BackupVaultArn"]] = dict(r.get("BackupVaultTags") or {})
        return vault

    def DescribeBackupVault(self, r: Request) -> Request:
        return {key: value for key, value in self._vault(r).items() if value is not None}

    def ListBackupVaults(self, r: Request) -> Request:
        return {"BackupVaultList": list(self._vaults.values())}

    def DeleteBackupVault(self, r: Request) -> Request:
        self._tags.pop(self._vault(r)["BackupVaultArn"], None)
        del self._vaults[r["BackupVaultName"]]
        return {}

    def PutBackupVaultLockConfiguration(self, r: Request) -> Request:
        vault, shortest, longest, grace = self._vault(r), r.get("MinRetentionDays"), r.get("MaxRetentionDays"), r.get("ChangeableForDays")
        self._require_changeable(vault)
        if shortest is not None and longest is not None and shortest > longest:
            raise Refusal("InvalidParameterValueException", "MinRetentionDays is more than MaxRetentionDays", 400)
        if grace is not None and grace < _SHORTEST_GRACE:
            raise Refusal("InvalidParameterValueException", f"ChangeableForDays is less than {_SHORTEST_GRACE}", 400)
        ends = time.time() + grace * 86400 if grace is not None else None
        vault.update(Locked=True, MinRetentionDays=shortest, MaxRetentionDays=longest, LockDate=ends)
        return {}

    def DeleteBackupVaultLockConfiguration(self, r: Request) -> Request:
        vault = self._vault(r)
        self._require_changeable(vault)
        vault.update(Locked=False, MinRetentionDays=None, MaxRetentionDays=None, LockDate=None)
        return {}

    def CreateBackupPlan(self, r: Request) -> Request:
        wanted = r["BackupPlan"]
        if any(plan["BackupPlan"]["BackupPlanName"] == wanted["BackupPlanName"] for plan in self._plans.values()):
            raise Refusal("AlreadyExistsException", f"Backup plan {wanted['BackupPlanName']} already exists", 400)
        identity = str(uuid.uuid4())
        arn = f"{self._arn}:backup-plan:{identity}"
        plan = {"BackupPlanId": identity, "BackupPlanArn": arn, "CreationDate": time.time()}
        self._plans[identity] = {**plan, **self._version(wanted)}
        self._tags[arn] = dict(r.get("BackupPlanTags") or {})
        return {**plan, "VersionId": self._plans[identity]["VersionId"]}

    def GetBackupPlan(self, r: Request) -> Request:
        return self._plan(r)

    def ListBackupPlans(self, r: Request) -> Request:
        return {"BackupPlansList": [{**plan, "BackupPlanName": plan["BackupPlan"]["BackupPlanName"]} for plan in self._plans.values()]}

    def UpdateBackupPlan(self, r: Request) -> Request:
        plan = self._plan(r)
        plan.update(self._version(r["BackupPlan"]))
        return {key: plan[key] for key in ("BackupPlanId", "BackupPlanArn", "CreationDate", "VersionId")}

    def DeleteBackupPlan(self, r: Request) -> Request:
        plan = self._plan(r)
        if any(owner == r["BackupPlanId"] for owner, _ in self._selections):
            raise Refusal("InvalidRequestException", "the plan still has selections", 400)
        self._tags.pop(plan["BackupPlanArn"], None)
        del self._plans[r["BackupPlanId"]]
        return {"BackupPlanId": plan["BackupPlanId"]}

    def CreateBackupSelection(self, r: Request) -> Request:
        self._plan(r)
        identity = str(uuid.uuid4())
        made = {"BackupPlanId": r["BackupPlanId"], "SelectionId": identity, "CreationDate": time.time()}
        self._selections[r["BackupPlanId"], identity] = {**made, "BackupSelection": r["BackupSelection"]}
        return made

    def GetBackupSelection(self, r: Request) -> Request:
        found = self._selections.get((r["BackupPlanId"], r["SelectionId"]))
        if found is None:
            raise _missing("Backup selection", r["SelectionId"])
        return found

    def ListBackupSelections(self, r: Request) -> Request:
        self._plan(r)
        found = [one for (owner, _), one in self._selections.items() if owner == r["BackupPlanId"]]
        return {"BackupSelectionsList": [{**one, "SelectionName": one["BackupSelection"]["SelectionName"]} for one in found]}

    def DeleteBackupSelection(self, r: Request) -> Request:
        self.GetBackupSelection(r)
        del self._selections[r["BackupPlanId"], r["SelectionId"]]
        return {}

    def TagResource(self, r: Request) -> Request:
        self._tagged(r).update(r["Tags"])
        return {}

    def UntagResource(self, r: Request) -> Request:
        held = self._tagged(r)
        for key in r["TagKeyList"]:
            held.pop(key, None)
        return {}

    def ListTags(self, r: Request) -> Request:
        return {"Tags": self._tagged(r)}

    def _vault(self, r: Request) -> dict[str, Any]:
        if r["BackupVaultName"] not in self._vaults:
            raise _missing("Backup vault", r["BackupVaultName"])
        return self._vaults[r["BackupVaultName"]]

    def _plan(self, r: Request) -> dict[str, Any]:
        if r["BackupPlanId"] not in self._plans:
            raise _missing("Backup plan", r["BackupPlanId"])
        return self._plans[r["BackupPlanId"]]

    def _tagged(self, r: Request) -> dict[str, str]:
        if r["ResourceArn"] not in self._tags:
            raise _missing("Resource", r["ResourceArn"])
        return self._tags[r["ResourceArn"]]

    @staticmethod
    def _version(wanted: dict[str, Any]) -> dict[str, Any]:
        return {"BackupPlan": wanted, "VersionId": hashlib.sha256(f"{time.time_ns()}{wanted}".encode()).hexdigest()[:48]}

    @staticmethod
    def _require_changeable(vault: dict[str, Any]) -> None:
        if vault.get("LockDate") is not None and time.time() >= vault["LockDate"]:
            raise Refusal("InvalidRequestException", "the vault's lock can no longer be changed", 400)
