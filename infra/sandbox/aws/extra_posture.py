"""Security Hub's and IAM Access Analyzer's APIs, in memory: what is switched on, and nothing is ever found.

moto's hub cannot be changed and loses its tags; moto has no analyzer.
"""

from __future__ import annotations

import time
from typing import Any

from infra.sandbox.aws.rest import Refusal

Request = dict[str, Any]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class SecurityHub:
    """One region's hub: one for an account, on or off."""

    def __init__(self, account: str, region: str) -> None:
        self._arn = f"arn:aws:securityhub:{region}:{account}:hub/default"
        self._held: dict[str, Any] = {}

    def EnableSecurityHub(self, r: Request) -> Request:
        if self._held:
            raise Refusal("ResourceConflictException", "Account is already subscribed to Security Hub", 409)
        self._held = {
            "HubArn": self._arn,
            "SubscribedAt": _now(),
            "AutoEnableControls": True,
            "ControlFindingGenerator": r.get("ControlFindingGenerator") or "SECURITY_CONTROL",
        }
        return {}

    def DescribeHub(self, r: Request) -> Request:
        return self._hub()

    def UpdateSecurityHubConfiguration(self, r: Request) -> Request:
        self._hub().update({key: r[key] for key in ("AutoEnableControls", "ControlFindingGenerator") if r.get(key) is not None})
        return {}

    def DisableSecurityHub(self, r: Request) -> Request:
        self._hub()
        self._held = {}
        return {}

    def _hub(self) -> dict[str, Any]:
        if not self._held:
            # The real one answers so, though nobody is refused anything.
            raise Refusal("InvalidAccessException", "Account is not subscribed to AWS Security Hub", 401)
        return self._held


class AccessAnalyzer:
    """One region's analyzers."""

    def __init__(self, account: str, region: str) -> None:
        self._prefix = f"arn:aws:access-analyzer:{region}:{account}:analyzer/"
        self._held: dict[str, dict[str, Any]] = {}

    def CreateAnalyzer(self, r: Request) -> Request:
        name = r["analyzerName"]
        if name in self._held:
            raise Refusal("ConflictException", f"an analyzer {name} already exists", 409)
        given = {key: r[key] for key in ("configuration",) if r.get(key)}
        self._held[name] = {
            "arn": self._prefix + name,
            "name": name,
            "type": r["type"],
            "createdAt": _now(),
            "status": "ACTIVE",
            "tags": dict(r.get("tags") or {}),
            **given,
        }
        return {"arn": self._prefix + name}

    def GetAnalyzer(self, r: Request) -> Request:
        return {"analyzer": self._one(r["analyzerName"])}

    def ListAnalyzers(self, r: Request) -> Request:
        return {"analyzers": list(self._held.values())}

    def DeleteAnalyzer(self, r: Request) -> Request:
        self._one(r["analyzerName"])
        del self._held[r["analyzerName"]]
        return {}

    def TagResource(self, r: Request) -> Request:
        self._named(r)["tags"].update(r["tags"])
        return {}

    def UntagResource(self, r: Request) -> Request:
        for key in r["tagKeys"]:
            self._named(r)["tags"].pop(key, None)
        return {}

    def _named(self, r: Request) -> dict[str, Any]:
        return self._one(r["resourceArn"].rsplit("/", 1)[-1])

    def _one(self, name: str) -> dict[str, Any]:
        if name not in self._held:
            raise Refusal("ResourceNotFoundException", f"there is no analyzer {name}", 404)
        return self._held[name]
