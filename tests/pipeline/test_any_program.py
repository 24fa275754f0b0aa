"""`falaj plan` and `falaj gate` take any folder with a Pulumi Python program, and end in the promised exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Denied, Exit, Undecided, UsageError
from infra.cli.main import falaj
from infra.pipeline.plan import plan_file, read_plan

BARE = """
import pulumi_aws as aws

aws.s3.Bucket("data")
"""
GOOD = """
import json

import pulumi_aws as aws

NAME = "their-data"
TAGS = {"owner": "team", "environment": "prod", "data-class": "internal", "purpose": "training", "legal-basis": "contract", "retention": "1 year"}
key = aws.kms.Key("key", enable_key_rotation=True, tags=TAGS)
bucket = aws.s3.Bucket("data", bucket=NAME, tags=TAGS)
default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
rules = [{"apply_server_side_encryption_by_default": default, "bucket_key_enabled": True}]
aws.s3.BucketServerSideEncryptionConfiguration("data", bucket=bucket.id, rules=rules)
aws.s3.BucketVersioning("data", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
expire = {"noncurrent_version_expiration": {"noncurrent_days": 30}, "abort_incomplete_multipart_upload": {"days_after_initiation": 7}}
aws.s3.BucketLifecycleConfiguration("data", bucket=bucket.id, rules=[{"id": "old", "status": "Enabled", **expire}])
block = dict(block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True)
aws.s3.BucketPublicAccessBlock("data", bucket=bucket.id, **block)
aws.s3.BucketOwnershipControls("data", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
deny = {
    "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
own = {**deny, "Sid": "OwnAccountOnly", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}
aws.s3.BucketPolicy("data", bucket=bucket.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [deny, own]}))
"""
ASKS = """
import pulumi_aws as aws

vpc = aws.ec2.get_vpc_output(default=True)
aws.vpc.SecurityGroupIngressRule("office", security_group_id="sg-1", ip_protocol="tcp", cidr_ipv4=vpc.cidr_block,
    tags={"owner": "t", "environment": "prod", "data-class": "internal", "purpose": "p", "legal-basis": "contract", "retention": "1 year"})
"""
EMPTY = """
import pulumi

pulumi.export("nothing", 1)
"""


@pytest.fixture(autouse=True)
def home(falaj_home: Path) -> Path:
    return falaj_home


def program(folder: Path, text: str) -> Path:
    """A user's folder with this program, and a region for prod."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: {folder.name}\nruntime: python\n")
    (folder / "Pulumi.prod.yaml").write_text('config:\n  aws:region: me-central-1\n  aws:allowedAccountIds:\n    - "111122223333"\n')
    (folder / "__main__.py").write_text(text)
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(falaj, [str(each) for each in arguments])


def test_a_bare_bucket_of_a_default_provider_is_denied_with_what_to_do(tmp_path: Path) -> None:
    result = run("gate", program(tmp_path / "bare", BARE), "--env", "prod", "--engine", "embedded")
    assert isinstance(result.exception, Denied)
    assert "DENIED   bucket_encrypted (C02, high): A bucket is encrypted with a key of ours" in result.output
    assert "  bare/prod  data (aws:s3/bucket:Bucket)\n    - no encryption configuration belongs to this bucket\n  next      Add a Bucket" in result.output
    assert "runbooks/gate_denied.md" in result.output


def test_a_whole_bucket_is_allowed_and_judged_again_without_planning(tmp_path: Path) -> None:
    folder = program(tmp_path / "good", GOOD)
    first = run("gate", folder, "--env", "prod", "--engine", "embedded", "--json")
    assert first.exception is None, first.output
    second = run("gate", folder, "--env", "prod", "--engine", "embedded")
    assert second.exception is None and "planned good" not in second.output and "good/prod  allowed" in second.output
    (folder / "__main__.py").write_text(BARE)
    third = run("gate", folder, "--env", "prod", "--engine", "embedded")
    assert isinstance(third.exception, Denied) and "planned good" in third.output


def test_an_answer_that_only_the_cloud_has_is_undecided(tmp_path: Path) -> None:
    result = run("gate", program(tmp_path / "asks", ASKS), "--env", "prod", "--engine", "embedded")
    assert isinstance(result.exception, Undecided)
    assert "UNKNOWN  ingress_closed" in result.output
    assert "? whom it lets in is not known before an apply" in result.output


def test_a_program_with_nothing_to_judge_is_denied(tmp_path: Path) -> None:
    result = run("gate", program(tmp_path / "empty", EMPTY), "--env", "prod", "--engine", "embedded")
    assert isinstance(result.exception, Denied)
    assert "no rule found anything to judge" in result.output


def test_a_plan_is_printed_and_written(tmp_path: Path) -> None:
    folder = program(tmp_path / "bare", BARE)
    shown = run("plan", folder, "--env", "prod", "--engine", "embedded")
    assert shown.exception is None and "+ aws:s3/bucket:Bucket  data" in shown.output
    document = run("plan", folder, "--env", "prod", "--engine", "embedded", "--json")
    lines = document.output.splitlines()
    value = json.loads("\n".join(lines[lines.index("{") :]))
    assert value["plans"] == [read_plan(plan_file(folder, "prod")).to_json()]


@pytest.mark.parametrize("verb", ["plan", "gate"])
def test_an_unknown_environment_is_refused_before_anything_runs(tmp_path: Path, verb: str) -> None:
    result = run(verb, program(tmp_path / "bare", BARE), "--env", "production")
    assert result.exit_code == Exit.USAGE
    assert all(name in result.output for name in ("local", "dev", "staging", "prod"))


def test_a_folder_and_a_stack_together_are_refused(tmp_path: Path) -> None:
    assert isinstance(run("gate", program(tmp_path / "bare", BARE), "--stack", "foundation").exception, UsageError)


def test_a_folder_without_a_program_is_refused(tmp_path: Path) -> None:
    assert isinstance(run("plan", tmp_path, "--env", "prod").exception, UsageError)
