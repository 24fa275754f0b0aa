"""GuardDuty's API, in memory: detectors and their features. Nothing is ever detected.

moto loses all other features when one is set, has no tags, and allows any number of detectors.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from infra.sandbox.aws.rest import Refusal

Request = dict[str, Any]


class GuardDuty:
    """One region's GuardDuty. A feature once named can be disabled, but never be taken away, as in the real one."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region
        self._detectors: dict[str, dict[str, Any]] = {}

    def CreateDetector(self, r: Request) -> Request:
        if self._detectors:
            raise Refusal("BadRequestException", "The request is rejected because a detector already exists for the current account.", 400)
        identity = uuid.uuid4().hex
        self._detectors[identity] = {
            "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "serviceRole": f"arn:aws:iam::{self._account}:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty",
            "findingPublishingFrequency": "SIX_HOURS",
            "status": "DISABLED",
            "tags": dict(r.get("tags") or {}),
            "features": [],
        }
        self.UpdateDetector({**r, "DetectorId": identity})
        return {"detectorId": identity}

    def ListDetectors(self, r: Request) -> Request:
        return {"detectorIds": list(self._detectors)}

    def GetDetector(self, r: Request) -> Request:
        return self._detector(r["DetectorId"])

    def UpdateDetector(self, r: Request) -> Request:
        held = self._detector(r["DetectorId"])
        if r.get("enable") is not None:
            held["status"] = "ENABLED" if r["enable"] else "DISABLED"
        if r.get("findingPublishingFrequency"):
            held["findingPublishingFrequency"] = r["findingPublishingFrequency"]
        for feature in r.get("features") or []:
            held["features"] = [one for one in held["features"] if one["name"] != feature["name"]] + [feature]
        return {}

    def DeleteDetector(self, r: Request) -> Request:
        self._detector(r["DetectorId"])
        del self._detectors[r["DetectorId"]]
        return {}

    def TagResource(self, r: Request) -> Request:
        self._tags(r).update(r["tags"])
        return {}

    def UntagResource(self, r: Request) -> Request:
        held = self._tags(r)
        for key in r["TagKeys"]:
            held.pop(key, None)
        return {}

    def ListTagsForResource(self, r: Request) -> Request:
        return {"tags": self._tags(r)}

    def _tags(self, r: Request) -> dict[str, str]:
        return self._detector(r["ResourceArn"].rsplit("/", 1)[-1])["tags"]

    def _detector(self, identity: str) -> dict[str, Any]:
        if identity not in self._detectors:
            # The real one has no other word for it either.
            raise Refusal("BadRequestException", "The request is rejected because the input detectorId is not owned by the current account.", 400)
        return self._detectors[identity]
