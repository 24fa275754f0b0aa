"""What moto's file systems lack: changes of one, whether AWS itself makes copies of it, and the end of what was on it."""

from __future__ import annotations

import json
from typing import Any


def install() -> None:
    """Add the missing calls to moto's EFS."""
    from moto.efs.models import EFSBackend
    from moto.efs.responses import EFSResponse

    deleted = EFSBackend.delete_file_system

    def held(self: Any) -> Any:
        _, found = self.efs_backend.describe_file_systems(file_system_id=self.path.split("/")[3])
        return found[0]

    def put_backup_policy(self: Any) -> str:
        one = held(self)
        one._backup = self._get_param("BackupPolicy")["Status"] == "ENABLED"
        one._falaj_backup = True
        return json.dumps({"BackupPolicy": self._get_param("BackupPolicy")})

    def describe_backup_policy(self: Any) -> str:
        one = held(self)
        if not getattr(one, "_falaj_backup", False):
            return json.dumps({"BackupPolicy": self.efs_backend.describe_backup_policy(one.file_system_id)})
        return json.dumps({"BackupPolicy": {"Status": "ENABLED" if one._backup else "DISABLED"}})

    def update_file_system(self: Any) -> str:
        one = held(self)
        one.throughput_mode = self._get_param("ThroughputMode") or one.throughput_mode
        return json.dumps(one.info_json())

    def delete_file_system_policy(self: Any) -> str:
        held(self).file_system_policy = None
        return "{}"

    def delete_file_system(self: Any, file_system_id: str) -> None:
        deleted(self, file_system_id)
        self.tagging_service.delete_all_tags_for_resource(file_system_id)

    for call in (put_backup_policy, describe_backup_policy, update_file_system, delete_file_system_policy):
        setattr(EFSResponse, call.__name__, call)
    EFSBackend.delete_file_system = delete_file_system
