"""The first state of an environment moves into its own bucket, under its own key: on the real CLI, with the emulated S3 and KMS."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.engine.bootstrap import Moved, move_state
from infra.engine.cli_workspace import cli_command, declared_backend, secrets_provider
from infra.engine.engine import Program
from tests.sandbox.aws.conftest import REGION, Server


def test_the_declared_place_and_key_are_those_of_the_environment() -> None:
    backend = declared_backend("prod")
    assert (backend, secrets_provider("prod", backend)) == (
        "s3://falaj-prod-state-333333333333?region=me-central-1",
        "awskms://alias/falaj-prod-confidential?region=me-central-1",
    )
    assert secrets_provider("prod", "file:///var/lib/state") == ""
    with pytest.raises(UsageError, match="no place but this machine"):
        declared_backend("local")


@pytest.mark.pulumi
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="needs the pulumi CLI on PATH")
def test_state_moves_whole_its_secrets_under_the_key_and_never_over_another(tmp_path: Path) -> None:
    from pulumi import automation

    server = Server(tmp_path / "aws")
    server.start()
    try:
        s3, kms = server.client("s3"), server.client("kms")
        s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": REGION})
        kms.create_alias(AliasName="alias/state", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        (tmp_path / "here").mkdir()
        source = (tmp_path / "here").as_uri()
        target = f"s3://state?region={REGION}&endpoint={server.url}&s3ForcePathStyle=true"
        secrets = f"awskms://alias/state?region={REGION}&endpoint={server.url}"
        environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PULUMI_CONFIG_PASSPHRASE": "words",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": server.url,
        }

        def applied(secret: str) -> None:
            def program() -> None:
                import pulumi

                pulumi.export("word", pulumi.Output.secret(secret))

            settings = automation.LocalWorkspaceOptions(env_vars={**environ, "PULUMI_BACKEND_URL": source}, pulumi_command=cli_command())
            automation.create_or_select_stack("prod", project_name="falaj-foundation", program=program, opts=settings).up()

        applied("open sesame")
        programs = [Program(tmp_path, "falaj-foundation", "prod"), Program(tmp_path, "falaj-cluster", "prod")]

        def move() -> list[Moved]:
            return move_state(programs, source=source, target=target, secrets=secrets, environ=environ)

        assert move() == [Moved("falaj-foundation", 1, True)]
        written = _state(s3)
        assert '"type": "cloud"' in written or '"type":"cloud"' in written
        assert "open sesame" not in written and "alias/state" in written
        assert move() == [Moved("falaj-foundation", 1, False)]
        applied("another word")
        with pytest.raises(UsageError, match="another state of falaj-foundation is there already"):
            move()
        assert _state(s3) == written
        with pytest.raises(UsageError, match="there is no state to move"):
            move_state(programs[1:], source=source, target=target, secrets=secrets, environ=environ)
    finally:
        server.kill()


def _state(s3: Any) -> str:
    return s3.get_object(Bucket="state", Key=".pulumi/stacks/falaj-foundation/prod.json")["Body"].read().decode()
