"""Gatekeeper beside a real API server: its webhook refuses what the gate refuses, for the same reasons, and its audit finds what was there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.policy_build import gatekeeper, manifests
from infra.policy_build.admissible import ApiKind, admissible
from tests.admission import gatekeeper_manager
from tests.admission.objects import cases, key
from tests.admission.whole import whole
from tests.cluster.api_server import ApiServer
from tests.cluster.definitions import define, definition
from tests.conftest import free_block
from tests.policies.samples import LIBRARY

pytestmark = [pytest.mark.xdist_group("api_server"), pytest.mark.skipif(not gatekeeper_manager.is_there(), reason=gatekeeper_manager.MISSING)]
ABLE = [what for what in admissible(LIBRARY)[0] if manifests.is_binding(what.rule)]
AT_THE_DOOR = [what.rule.id for what in ABLE if what.form == "admission"]
CASES, _ = cases(set(AT_THE_DOOR), whole)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server with Gatekeeper and every constraint, and a namespace from before them that nothing protects."""
    out, port = tmp_path_factory.mktemp("gatekeeper"), free_block()
    gatekeeper.write(LIBRARY, "prod", out)
    server = ApiServer(tmp_path_factory.mktemp("server"), port)
    try:
        define(server, "JobSet")
        others = {kind for what in ABLE for kind in what.kinds if kind.kind in ("EC2NodeClass", "NodeClass", "NodePool")}
        server.define(*(_open(kind) for kind in sorted(others)))
        for name in ("asked", "before"):
            server.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        gatekeeper_manager.start(server, tmp_path_factory.mktemp("webhook"), port + 10)
        server.make(yaml.safe_load((out / "config.yaml").read_text()))
        templates = [yaml.safe_load(path.read_text()) for path in sorted((out / "templates").iterdir())]
        for template in templates:
            server.until(lambda template=template: server.create(template)[0], lambda status: status == 201)
        for template in templates:
            path = server.path_of(template) + "/" + template["metadata"]["name"]
            server.until(lambda path=path: server.get(path).get("status", {}).get("created"))
        server.forget()
        for path in sorted((out / "constraints").iterdir()):
            constraint = yaml.safe_load(path.read_text())
            server.until(lambda constraint=constraint: server.create(constraint)[0], lambda status: status in (201, 409))
        for rule in AT_THE_DOOR:
            denied = [one for case in CASES if case.sample.rule.id == rule for one in case.objects if case.reasons[key(one)]]
            server.until(lambda denied=denied, rule=rule: any(_answer(server, one, rule) for one in denied))
        yield server
    finally:
        server.stop()


def _open(kind: ApiKind) -> dict[str, Any]:
    """A kind of somebody else's that takes whatever fields a sample has."""
    return definition(kind.api_version, kind.kind, kind.kind.lower() + ("es" if kind.kind.endswith("s") else "s"))


def _answer(server: ApiServer, manifest: dict[str, Any], rule: str) -> list[str] | None:
    """The reasons that this rule's constraint has against the object; others may have theirs. None where the server itself takes it for no object."""
    place = {"namespace": "asked"} if server.is_namespaced(manifest) else {}
    status, answer = server.create({**manifest, "metadata": {**manifest["metadata"], **place}}, dry_run=True)
    if status in (400, 422):
        return None
    assert status == 201 or (status == 403 and gatekeeper_manager.WEBHOOK in answer["message"]), answer
    reasons = answer.get("message", "").partition("denied the request: ")[2]
    return sorted(re.findall(rf"^\[{rule.replace('_', '-')}\] {rule}: (.*)$", reasons, re.MULTILINE))


@pytest.mark.parametrize("rule", AT_THE_DOOR)
def test_the_webhook_gives_the_gates_reasons_to_every_sample(server: ApiServer, rule: str) -> None:
    mine = [(case, one) for case in CASES if case.sample.rule.id == rule for one in case.objects]
    asked = {(str(case), key(one)): (_answer(server, one, rule), case.reasons[key(one)]) for case, one in mine}
    assert all(case.sample.expect["fail"] for case, one in mine if asked[str(case), key(one)][0] is None)
    answered = {subject: both for subject, both in asked.items() if both[0] is not None}
    assert {subject: answer for subject, (answer, _) in answered.items()} == {subject: reasons for subject, (_, reasons) in answered.items()}
    assert {bool(answer) for answer, _ in answered.values()} == {True, False}


def test_the_audit_finds_what_was_there_before_and_what_takes_several_objects_to_see(server: ApiServer) -> None:
    path = "/apis/constraints.gatekeeper.sh/v1beta1/falajnamespacedefaultdeny/namespace-default-deny"

    def found() -> list[str]:
        return [each["name"] for each in server.get(path).get("status", {}).get("violations", [])]

    assert {"asked", "before"} <= set(server.until(found))
