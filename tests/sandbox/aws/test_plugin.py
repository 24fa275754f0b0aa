"""The genuine Pulumi CLI runs the provider as a plugin."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from falaj.home import ROOT
from infra.engine.cli_workspace import plugin_folders
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Server

PROGRAM = f"""
import json
import pulumi, pulumi_aws as aws

provider = aws.Provider(
    "aws", region="{REGION}", allowed_account_ids=["{ACCOUNT}"], default_tags={{"tags": {{"owner": "falaj"}}}},
    skip_credentials_validation=True, skip_requesting_account_id=True,
)
here = pulumi.ResourceOptions(provider=provider)
key = aws.kms.Key("key", enable_key_rotation=True, opts=here)
bucket = aws.s3.Bucket("data", bucket="falaj-plugin", force_destroy=True, tags={{"dataClass": "data"}}, opts=here)
encryption = aws.s3.BucketServerSideEncryptionConfiguration("data", bucket=bucket.id, rules=[
    {{"apply_server_side_encryption_by_default": {{"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}}, "bucket_key_enabled": True}},
], opts=here)
network = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", opts=here)
zones = aws.get_availability_zones_output(state="available", opts=pulumi.InvokeOptions(provider=provider))
subnets = [aws.ec2.Subnet(f"s{{n}}", vpc_id=network.id, cidr_block=f"10.0.{{n}}.0/24", availability_zone=zones.names[n], opts=here) for n in range(2)]
pulumi.export("bucket", bucket.arn)
"""


@pytest.mark.pulumi
@pytest.mark.slow
def test_the_cli_applies_refreshes_and_destroys_with_it(server: Server, tmp_path: Path, falaj_home: Path) -> None:
    definition = {"name": "plugin", "runtime": {"name": "python"}, "plugins": {"providers": [{"name": "aws", "path": str(plugin_folders()["aws"])}]}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "backend").mkdir()
    environ = {
        **os.environ,
        "AWS_ENDPOINT_URL": server.url,
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
    }

    def pulumi(*arguments: str) -> str:
        done = subprocess.run(["pulumi", *arguments, "--non-interactive"], cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def changes(*arguments: str) -> dict[str, int]:
        return json.loads(pulumi(*arguments, "--json"))["changeSummary"]

    pulumi("stack", "init", "local")
    pulumi("up", "--yes", "--skip-preview")
    assert json.loads(pulumi("stack", "output", "--json")) == {"bucket": "arn:aws:s3:::falaj-plugin"}
    assert changes("preview", "--refresh") == {"same": 8}
    server.client("s3").delete_bucket_encryption(Bucket="falaj-plugin")
    assert changes("preview", "--refresh") == {"same": 7, "create": 1}
    pulumi("destroy", "--yes", "--skip-preview")
    assert server.client("s3").list_buckets()["Buckets"] == []
