"""Tags that go with what they were on."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Make moto forget the tags of a trail or log group with it: else one made again under the same name has the old ones."""
    from moto.cloudtrail.models import CloudTrailBackend
    from moto.logs.models import LogsBackend

    delete_trail, delete_log_group = CloudTrailBackend.delete_trail, LogsBackend.delete_log_group

    def without_trail(self: Any, name: str) -> None:
        if name in self.trails:
            self.tagging_service.delete_all_tags_for_resource(self.trails[name].arn)
        delete_trail(self, name)

    def without_log_group(self: Any, log_group_name: str) -> None:
        if log_group_name in self.groups:
            self.tagger.delete_all_tags_for_resource(self.groups[log_group_name].arn)
        delete_log_group(self, log_group_name)

    CloudTrailBackend.delete_trail = without_trail
    LogsBackend.delete_log_group = without_log_group
