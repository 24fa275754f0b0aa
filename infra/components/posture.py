"""Who looks at settings: one that compares them with what is good practice, one that looks for what strangers can reach."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig


class Posture(pulumi.ComponentResource):
    """Security Hub with its default standards, and Access Analyzer over the account.

    An account has at most one hub: where somebody has switched it on already, it is imported. Both read settings that the recorder holds.
    """

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:Posture", name, None, opts)
        here = ResourceOptions(parent=self)
        aws.securityhub.Account(name, enable_default_standards=True, auto_enable_controls=True, control_finding_generator="SECURITY_CONTROL", opts=here)
        aws.accessanalyzer.Analyzer(name, analyzer_name=naming.prefix(config), type="ACCOUNT", tags=naming.tags(config, "internal", "detection"), opts=here)
        self.register_outputs({})
