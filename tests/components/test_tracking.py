"""MLflow on PostgreSQL and S3 in a happy prod that asks for it, and one fact changed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.artifacts import Plan, StateRef
from infra.config import naming
from infra.config.load import load_environment, parse
from infra.config.teams import as_of
from infra.config.together import check_together
from infra.pipeline.gate import judge_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.components.test_network_and_cluster import last
from tests.config.test_load import happy, refusal
from tests.config.test_teams import RISK
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.test_cost import planned
from tests.stacks.world import STACKS, UNKNOWN, World, nothing_yet, run

IMAGE = "sha256:" + "6" * 64
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SERVER = {"image": IMAGE, "authority": PEM}
CHANGES: dict[str, dict[str, Any]] = {
    "foundation": {"tracking": "server"},
    "cluster": {"tracking": "server"},
    "platform": {"tracking": "server", "tracking_server": SERVER},
    "workloads": {"tracking": "server", "tracking_uri": naming.TRACKING_URI},
}


@cache
def _tracked(stack: str) -> World:
    upstream = nothing_yet(stack)
    if stack == "platform":
        upstream["foundation"] |= {"database": {"host": "db.rds", "administrator": "arn:a", "group": "sg-1"}, "bucket_names": {"artifacts": "kept"}}
    return run(stack, "prod", config=CHANGES[stack], upstream=upstream)


@pytest.fixture
def tracked(falaj_home: Path) -> Any:
    """What a stack registers where runs are tracked by a server. Read only."""
    return _tracked


def test_nothing_of_it_is_there_where_nobody_asked(prod: Any) -> None:
    assert prod("foundation").of("SubnetGroup") == {} and "tracking" not in prod("platform").of("Namespace")
    assert prod("foundation").outputs["database"] == {}


def test_the_database_is_inside_encrypted_over_tls_doubled_and_kept(tracked: Any) -> None:
    world = tracked("foundation")
    (made,) = [each for each in world.custom if each.type == "aws:rds/instance:Instance"]
    wanted = {
        "identifier": "falaj-prod-tracking",
        "storageEncrypted": True,
        "multiAz": True,
        "publiclyAccessible": False,
        "iamDatabaseAuthenticationEnabled": True,
        "manageMasterUserPassword": True,
        "backupRetentionPeriod": 35,
        "deletionProtection": True,
        "skipFinalSnapshot": False,
    }
    assert {name: made.inputs[name] for name in wanted} == wanted
    assert made.protect and "password" not in made.inputs
    assert (last(made.refers["kmsKeyId"]), last(made.refers["masterUserSecretKmsKeyId"])) == (["keys-confidential"], ["keys-confidential"])
    subnets = [name for name in world.of("Subnet") if "endpoints" in name]
    assert last(world.one("SubnetGroup", "database").refers["subnetIds"]) == sorted(subnets)
    parameters = {each["name"]: each["value"] for each in world.one("ParameterGroup", "database").inputs["parameters"]}
    assert (parameters["rds.force_ssl"], parameters["password_encryption"]) == ("1", "scram-sha-256")
    assert world.outputs["database"] == UNKNOWN


def test_only_the_nodes_reach_it_and_each_role_does_its_own_part(tracked: Any) -> None:
    world = tracked("cluster")
    rule = world.one("SecurityGroupIngressRule", "tracking").inputs
    assert (rule["fromPort"], rule["toPort"], rule.get("cidrIpv4")) == (5432, 5432, None)
    found = {name: json.loads(each.inputs["policy"])["Statement"] for name, each in world.of("RolePolicy").items() if name.startswith("tracking")}
    actions = {name: sorted({action for each in statements for action in each["Action"]}) for name, statements in found.items()}
    assert actions == {
        "tracking-work": [
            *("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "rds-db:connect", "s3:AbortMultipartUpload", "s3:DeleteObject"),
            *("s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "s3:PutObjectTagging"),
        ],
        "tracking-setup-work": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
    }
    objects = next(each for each in found["tracking-work"] if each["Sid"] == "ArtifactsObjects")
    assert objects["Resource"] == ["arn:aws:s3:::falaj-prod-artifacts-333333333333/mlflow/*"]


def test_the_boundary_of_pods_has_room_for_it_and_no_more_than_a_policy_may_be(tracked: Any) -> None:
    policies = tracked("foundation").of("Policy")
    assert "rds-db:connect" in policies["boundaries-workloads"].inputs["policy"]
    assert max(len("".join(each.inputs["policy"].split())) for each in policies.values()) <= 6144


def test_the_server_knows_no_password(tracked: Any) -> None:
    world = tracked("platform")
    spec = world.one("Deployment", "mlflow").inputs["spec"]["template"]["spec"]
    (box,) = spec["containers"]
    told = {each["name"]: each.get("value") for each in box["env"]}
    assert (box["args"], told["FALAJ_DATABASE"], told["FALAJ_ARTIFACTS"]) == (["mlflow"], "db.rds:5432/falaj_mlflow", "s3://kept/mlflow")
    assert told["FALAJ_DATABASE_CA"] == "/var/run/falaj/database/ca.pem"
    assert not [name for name in told if "PASSWORD" in name] and "secretKeyRef" not in json.dumps(spec)
    assert {probe: box[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == dict.fromkeys(
        ("startupProbe", "livenessProbe", "readinessProbe"), "/health"
    )
    (setup,) = world.one("Job", "database-setup").inputs["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: each.get("value") for each in setup["env"]}["FALAJ_TUNE_SECRET"] == "falaj-prod/tune-storage"


def test_runs_reach_the_server_and_nobody_else_does(tracked: Any) -> None:
    found = {name: each.inputs for name, each in tracked("platform").of("NetworkPolicy").items() if name.startswith("tracking-allow-")}
    runs = found["tracking-allow-runs"]["spec"]
    assert runs["ingress"] == [
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "training"}}}], "ports": [{"protocol": "TCP", "port": 5000}]}
    ]
    assert found["tracking-allow-tracking"]["metadata"]["namespace"] == "training"
    assert found["tracking-allow-database"]["spec"]["egress"][0]["ports"] == [{"protocol": "TCP", "port": 5432}]


CERTIFIED: dict[str, dict[str, Any]] = {
    "platform": {**CHANGES["platform"], "certificates": True},
    "workloads": {**CHANGES["workloads"], "tracking_uri": naming.TRACKING_URI_TLS},
}


@cache
def _certified(stack: str) -> World:
    return run(stack, "prod", config=CERTIFIED[stack])


@pytest.fixture
def certified(falaj_home: Path) -> Any:
    """The same where the cluster has an authority of its own. Read only."""
    return _certified


def test_without_an_authority_the_server_speaks_plainly(tracked: Any) -> None:
    world = tracked("platform")
    assert world.of("Certificate") == {} and "FALAJ_TLS" not in json.dumps(world.one("Deployment", "mlflow").inputs)
    assert world.one("Service", "mlflow").inputs["spec"]["ports"] == [{"name": "http", "port": 5000, "targetPort": "http", "protocol": "TCP"}]


def test_with_an_authority_the_server_has_a_certificate_for_each_of_its_names(certified: Any) -> None:
    made = certified("platform").one("Certificate", "tracking-tls").inputs
    assert made["spec"] == {
        "secretName": "mlflow-tls",
        "dnsNames": ["mlflow.tracking.svc.cluster.local", "mlflow.tracking.svc", "mlflow.tracking", "mlflow"],
        "usages": ["digital signature", "server auth"],
        "duration": "2160h",
        "renewBefore": "720h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "falaj"},
    }
    box = certified("platform").one("Deployment", "mlflow").inputs["spec"]["template"]["spec"]["containers"][0]
    told = {each["name"]: each.get("value") for each in box["env"]}
    assert told["FALAJ_ALLOWED_HOSTS"].split(",") == made["spec"]["dnsNames"]


def test_the_server_speaks_tls_with_a_key_that_its_own_group_reads_and_is_asked_so(certified: Any) -> None:
    world = certified("platform")
    spec = world.one("Deployment", "mlflow").inputs["spec"]["template"]["spec"]
    (box,) = spec["containers"]
    told = {each["name"]: each.get("value") for each in box["env"]}
    (mounted,) = [each for each in box["volumeMounts"] if each["name"] == "tls"]
    assert (mounted["mountPath"], mounted["readOnly"]) == (told["FALAJ_TLS"], True)
    assert [each["secret"] for each in spec["volumes"] if each["name"] == "tls"] == [{"secretName": "mlflow-tls", "defaultMode": 0o440}]
    probes = [box[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert probes == [{"path": "/health", "port": "https", "scheme": "HTTPS"}] * 3
    assert world.one("Service", "mlflow").inputs["spec"]["ports"] == [{"name": "https", "port": 5000, "targetPort": "https", "protocol": "TCP"}]


@pytest.mark.parametrize("job", ["prepare", "train", "register", "tune"])
def test_whoever_makes_runs_knows_the_server_by_the_authority_and_holds_no_key(certified: Any, job: str) -> None:
    spec = certified("workloads").one("CronJob", job).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    told = {each["name"]: each.get("value") for each in spec["containers"][0]["env"]}
    assert told["MLFLOW_TRACKING_URI"] == "https://mlflow.tracking.svc.cluster.local:5000"
    assert told["MLFLOW_TRACKING_SERVER_CERT_PATH"] == "/var/run/falaj/tracking/ca.crt"
    (held,) = [each["secret"] for each in spec["volumes"] if each["name"] == "tracking"]
    assert held == {"secretName": naming.TRACKING_AUTHORITY, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    issued = certified("platform").one("Certificate", naming.TRACKING_AUTHORITY).inputs
    assert (issued["metadata"]["namespace"], issued["spec"]["secretName"]) == ("training", held["secretName"])


def test_workers_of_searches_reach_the_server_besides_the_database(tracked: Any) -> None:
    egress = tracked("workloads").one("NetworkPolicy", "tune").inputs["spec"]["egress"]
    server = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tracking"}}}], "ports": [{"protocol": "TCP", "port": 5000}]}
    assert [each["ports"][0]["port"] for each in egress] == [5432, 5000] and egress[1] == server


def test_runs_of_a_team_go_to_its_own_volume_since_the_server_tells_nobody_apart() -> None:
    config: Any = parse("workloads", "prod", happy("workloads", teams=[RISK], **CERTIFIED["workloads"]))
    theirs = as_of(config, "risk")
    assert (theirs.tracking, theirs.tracking_uri) == ("file", "sqlite:////var/lib/falaj/work/mlflow/mlflow.db")


@pytest.mark.parametrize(
    ("certificates", "uri", "what"),
    [
        (True, naming.TRACKING_URI, f"tracking_uri: {naming.TRACKING_URI}, and the server has a certificate"),
        (False, naming.TRACKING_URI_TLS, f"tracking_uri: {naming.TRACKING_URI_TLS}, and the server has no certificate"),
    ],
)
def test_a_server_and_clients_that_do_not_agree_on_tls_are_refused(certificates: bool, uri: str, what: str) -> None:
    whole = load_environment("prod")
    platform = whole.platform.model_copy(update={"certificates": certificates})
    workloads = whole.workloads.model_copy(update={"tracking": "server", "tracking_uri": uri})
    cluster = whole.cluster.model_copy(update={"more_addons": {"cert-manager": "v1.18.2-eksbuild.1"}})
    with pytest.raises(UsageError, match=what):
        check_together(whole.model_copy(update={"platform": platform, "workloads": workloads, "cluster": cluster}), "stacks/{}".format)


def test_searches_prove_the_database_by_the_same_certificates(tracked: Any) -> None:
    spec = tracked("workloads").one("CronJob", "tune").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert {each["name"]: each["configMap"]["name"] for each in spec["volumes"] if "configMap" in each} == {"authority": "database-authority"}


def test_jobs_enter_their_runs_into_the_server(tracked: Any) -> None:
    (box,) = tracked("workloads").one("CronJob", "train").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: each.get("value") for each in box["env"]}["MLFLOW_TRACKING_URI"] == naming.TRACKING_URI


@pytest.mark.parametrize(
    ("stack", "changes", "what"),
    [
        ("platform", {"tracking": "server"}, "tracking_server: there is none"),
        ("platform", {"tracking_server": SERVER}, "tracking_server: nothing asks for one"),
        ("workloads", {"tracking": "server"}, "tracking_uri: sqlite:////var/lib/falaj/work/mlflow/mlflow.db, and tracking is server"),
        ("platform", {"tracking": "server", "tracking_server": {**SERVER, "authority": "none"}}, "tracking_server.authority: 'none' cannot be used"),
    ],
)
def test_a_server_that_cannot_work_is_refused(stack: str, changes: dict[str, Any], what: str) -> None:
    assert refusal(stack, **changes)["what"] == what
    assert happy(stack)


@pytest.mark.parametrize("stack", STACKS)
def test_the_gate_lets_a_prod_pass_that_asks_for_everything(falaj_home: Path, stack: str) -> None:
    more: dict[str, Any] = {"secrets": "external"} | ({"snapshots": True} if stack == "platform" else {})
    world = run(stack, "prod", config={**CERTIFIED.get(stack, CHANGES[stack]), **more})
    nothing = StateRef(serial=0, digest="")
    plan = Plan(environment="prod", project=f"falaj-{stack}", stack=stack, program="", state=nothing, resources=[*map(planned, world.resources)])
    signed = {**PARAMETERS, "known_images": {**PARAMETERS["known_images"], IMAGE: ""}}
    decision = judge_plan(plan, signed, NOON, engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults) == ({}, [])
