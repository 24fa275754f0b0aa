"""Who reaches what is in no bucket: online features and shared files."""

from __future__ import annotations

import pytest

from infra.config.model import ENVIRONMENTS
from tests.iam.evaluate import Principal
from tests.iam.test_roles import ADMINISTRATOR, MOUNTED, ROLES, account, named

pytestmark = [pytest.mark.xdist_group("plans of iam"), pytest.mark.usefixtures("falaj_home")]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_features_are_written_by_jobs_and_read_by_jobs_and_servers(environment: str) -> None:
    there = account(environment)
    table = there.arn("dynamodb", f"table/falaj-{environment}-features")
    asked = {role: [verb for verb in ("Get", "Write") if there.ask(role, f"dynamodb:Batch{verb}Item", table) == "allowed"] for role in ROLES}
    assert {role: verbs for role, verbs in asked.items() if verbs} == {"training": ["Get", "Write"], "inference": ["Get"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_shared_files_are_mounted_by_the_nodes_driver_over_tls_through_an_access_point(environment: str) -> None:
    there = account(environment)
    files, usual = there.arn("elasticfilesystem", "file-system/files"), {key: named(value, there) for key, value in MOUNTED.items()}

    def mounts(who: str | Principal, action: str = "ClientMount", **changed: str) -> str:
        context = {f"elasticfilesystem__{key}": value for key, value in usual.items()}
        return there.ask(who, f"elasticfilesystem:{action}", files, **{**context, **changed})

    assert [role for role in ROLES if mounts(role) == "allowed"] == ["aws-efs-csi-driver"]
    bounded = {role: Principal(there.role_arn(role), [ADMINISTRATOR], there.roles[role].boundary) for role in ROLES}
    assert {role for role, who in bounded.items() if mounts(who) == "allowed"} == {"aws-efs-csi-driver"}
    assert mounts("aws-efs-csi-driver", aws__SecureTransport="false") == "denied"
    assert mounts("aws-efs-csi-driver", elasticfilesystem__AccessPointArn="") == "denied"
    assert mounts("aws-efs-csi-driver", elasticfilesystem__AccessedViaMountTarget="false") == "not allowed"
    assert mounts(Principal(there.role_arn("aws-efs-csi-driver"), [ADMINISTRATOR]), "ClientRootAccess") == "denied"
