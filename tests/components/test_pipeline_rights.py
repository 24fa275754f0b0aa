"""CI on the cluster: entries for its two roles, and rights that cover what plans hold and reach no secret, no role and nobody else's namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.components.pipeline_rights import READS, WRITES, WRITES_IN_ROOMS
from infra.config.load import load_environment
from infra.sandbox.kubernetes.kinds import BY_TOKEN, Kind
from tests.cluster.api_server import MISSING, ApiServer, is_built
from tests.cluster.own_objects import own_objects, own_worlds
from tests.components.test_karpenter import POOLS
from tests.config.test_load import copied
from tests.config.test_teams import RISK, together
from tests.conftest import free_block
from tests.stacks import everything
from tests.stacks.world import World, manifests, run

Prod = Callable[[str], World]
PERSONS = {
    *("Namespace", "PersistentVolume"),  # what bounds pods and what lies beneath them
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    *("ClusterIssuer", "ClusterSecretStore", "ExternalSecret"),  # who vouches, and which secrets come in
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),  # what may be made at all
    *("DaemonSet", "DeviceClass", "EC2NodeClass", "NodeClass"),  # what runs beside the node's own, and as whom a node starts
}
"""Kinds of our plans that a person makes and changes."""
OTHERS = (Kind("DaemonSet", "apps/v1", "daemonsets"), Kind("JobSet", "jobset.x-k8s.io/v1alpha2", "jobsets"))
"""Kinds that the process cluster does not know."""
VIEWED = ("", "apps", "autoscaling", "batch", "networking.k8s.io", "policy")
"""Groups of whose kinds EKS's policy of viewing shows those that lie in namespaces, but for secrets (EKS user guide, access policy permissions)."""


def _held(table: dict[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    return {(group, plural) for group, plurals in table.items() for plural in plurals}


@cache
def _kinds() -> list[Kind]:
    """Kinds of all that our plans put onto a cluster."""
    found = {each.type for plan in everything.plans() for each in plan.resources}
    for config in ({"autoscaler": "auto", "pools": POOLS}, {"teams": [RISK]}):
        found |= {each.type for each in run("platform", "prod", config=config).custom}
    known = {**BY_TOKEN, **{f"kubernetes:{row.api_version}:{row.kind}": row for row in OTHERS}}
    return [known[token] for token in sorted(found) if token.startswith("kubernetes:")]


def test_both_roles_look_at_all_of_the_cluster_and_neither_administers_it(prod: Prod) -> None:
    world = prod("cluster")
    for role, group in (("reader", "falaj:readers"), ("deployer", "falaj:deployers")):
        entry, given = world.one("AccessEntry", role).inputs, world.one("AccessPolicyAssociation", role).inputs
        assert (entry["principalArn"], entry["kubernetesGroups"]) == (f"arn:aws:iam::333333333333:role/falaj-prod-{role}", [group])
        assert (given["policyArn"].rsplit("/", 1)[-1], given["accessScope"]) == ("AmazonEKSViewPolicy", {"type": "cluster"})


def test_what_config_says_of_a_role_of_ci_holds(falaj_home: Path) -> None:
    access = [{"role": "reader", "policy": "AmazonEKSViewPolicy", "namespaces": ["training"]}]
    world = run("cluster", "prod", config={"access": access})
    assert world.one("AccessPolicyAssociation", "reader").inputs["accessScope"] == {"type": "namespace", "namespaces": ["training"]}
    assert set(world.of("AccessEntry")) == {"reader", "deployer"}


def test_without_a_pipeline_ci_is_nowhere_on_the_cluster(falaj_home: Path) -> None:
    assert {"reader", "deployer"} & set(run("cluster", "prod", config={"ci": False}).of("AccessEntry")) == set()
    assert "falaj:" not in "".join(each.inputs["metadata"]["name"] for each in run("platform", "prod", config={"ci": False}).of("ClusterRole").values())


@pytest.mark.parametrize("stack", ["cluster", "platform"])
def test_a_pipeline_without_its_entries_is_refused(tmp_path: Path, stack: str) -> None:
    found = together(tmp_path, stack, ci=False)
    assert found["what"] == "ci: false, and the foundation stack has a pipeline"
    assert found["given"] == f"{stack}/Pulumi.prod.yaml, key falaj:ci; foundation/Pulumi.prod.yaml, key falaj:pipeline"


def test_entries_without_a_pipeline_are_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, "prod") / "foundation" / "Pulumi.prod.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "falaj:pipeline" not in line))
    with pytest.raises(UsageError, match="ci: true, and the foundation stack has no pipeline"):
        load_environment("prod", tmp_path)


def test_every_kind_of_our_plans_is_read_and_either_changed_by_ci_or_a_persons(falaj_home: Path) -> None:
    rows = _kinds()
    viewed = {(row.group, row.plural) for row in rows if row.group in VIEWED and (row.namespaced or row.kind == "Namespace")}
    unread = {row.kind for row in rows if (row.group, row.plural) not in _held(READS) | viewed}
    changed = {row.kind: (row.group, row.plural) in _held(WRITES_IN_ROOMS if row.namespaced else WRITES) for row in rows}
    assert (unread, {kind for kind, can in changed.items() if not can}) == (set(), PERSONS & set(changed))
    assert {kind for kind, can in changed.items() if not can} <= PERSONS


def _rules(world: World) -> Iterable[tuple[str, list[str], list[str]]]:
    for name, role in manifests(world).items():
        if name.startswith("ClusterRole/ci-"):
            yield from ((name, rule["resources"], rule["verbs"]) for rule in role["rules"])


def test_no_secret_is_read_no_pod_entered_and_nobody_given_more(prod: Prod) -> None:
    found = list(_rules(prod("platform")))
    assert {name for name, _, _ in found} == {"ClusterRole/ci-looks", "ClusterRole/ci-changes", "ClusterRole/ci-changes-in-rooms"}
    touched = {resource for _, resources, _ in found for resource in resources}
    assert {each for each in touched if each == "secrets" or each.startswith(("pods", "serviceaccounts/"))} == set()
    assert {verb for name, _, verbs in found for verb in verbs if name == "ClusterRole/ci-looks"} == {"get", "list", "watch"}
    assert not any("*" in text for _, resources, verbs in found for text in (*resources, *verbs))


def test_a_team_is_applied_to_as_the_environment_is(falaj_home: Path) -> None:
    bindings = {name for name in run("platform", "prod", config={"teams": [RISK]}).of("RoleBinding") if name.startswith("ci-")}
    assert bindings == {"ci-training", "ci-inference", "ci-risk-training", "ci-risk-inference"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    folder = tmp_path_factory.mktemp("rights")
    started = ApiServer(folder, free_block())
    try:
        for each in own_objects(own_worlds(folder / "worlds", "prod")):
            if each["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding", "RoleBinding"):
                assert started.apply(each)[0] in (200, 201), each
        # What EKS's policy of viewing is like: the server's own role for it, which a controller would gather.
        view = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:aggregate-to-view"}
        groups = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name} for name in ("falaj:readers", "falaj:deployers")]
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "view"}}
        assert started.apply({**binding, "roleRef": view, "subjects": groups})[0] in (200, 201)
        yield started
    finally:
        started.stop()


@pytest.mark.xdist_group("api_server")
@pytest.mark.skipif(not is_built(), reason=MISSING)
def test_a_real_api_server_lets_ci_do_that_and_no_more(server: ApiServer, falaj_home: Path) -> None:
    def may(group: str, verb: str, resource: str, namespace: str = "") -> bool:
        plural, _, api = resource.partition(".")
        plural, _, sub = plural.partition("/")
        asked: dict[str, Any] = {"verb": verb, "resource": plural, "subresource": sub, "group": api, "namespace": namespace}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        body = {**review, "spec": {"user": "ci", "groups": [group, "system:authenticated"], "resourceAttributes": asked}}
        status, answer = server.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        assert status == 201, answer
        return answer["status"]["allowed"]

    rows = _kinds()
    room = {row.qualified: "training" if row.namespaced else "" for row in rows}
    for group in ("falaj:readers", "falaj:deployers"):
        assert [name for name, namespace in room.items() if not may(group, "get", name, namespace)] == []
        never = [("get", "secrets"), ("create", "pods/exec"), ("create", "pods"), ("create", "serviceaccounts/token")]
        never += [("create", "rolebindings.rbac.authorization.k8s.io")]
        assert [asked for asked in never for namespace in ("training", "kube-system") if may(group, *asked, namespace)] == []
    changes = {row.kind for row in rows if may("falaj:deployers", "patch", row.qualified, room[row.qualified])}
    assert changes == {row.kind for row in rows} - PERSONS
    assert [row.kind for row in rows if may("falaj:readers", "patch", row.qualified, room[row.qualified])] == []
    assert [row.kind for row in rows if row.namespaced and may("falaj:deployers", "create", row.qualified, "kube-system")] == []
