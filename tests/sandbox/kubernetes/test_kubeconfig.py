"""Kubeconfigs: read as kubectl reads them, and what is not followed is refused by name."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import Fault, UsageError
from infra.sandbox.kubernetes.client import Client, NoAnswer
from infra.sandbox.kubernetes.kubeconfig import own_files, reach
from tests.conftest import free_block


def written(path: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, context: str = "site") -> Path:
    """A kubeconfig with one context of one cluster and one user."""
    document = {
        "contexts": [{"name": context, "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://127.0.0.1:6443", **(cluster or {})}}],
        "users": [{"name": "me", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_token_is_read_from_the_entry_or_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    found = [reach("site", [written(tmp_path / "config", user=user)]).headers() for user in ({"token": "abc"}, {"tokenFile": "token"}, {})]
    assert found == [{"Authorization": "Bearer abc"}, {"Authorization": "Bearer from a file"}, {}]


def test_of_several_files_the_first_that_names_a_thing_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(tmp_path / "first", cluster={"server": "https://first"}, context="first")
    second = written(tmp_path / "second", cluster={"server": "https://second"}, context="second")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(first), str(tmp_path / "not there"), str(second)]))
    assert own_files() == [first, tmp_path / "not there", second]
    assert (reach("second").url, reach("second").context) == ("https://first", "second")


def test_a_context_that_no_file_names_is_refused_naming_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no kubeconfig names the context 'prod'") as caught:
        reach("prod", [written(tmp_path / "config")])
    assert (caught.value.given, caught.value.allowed) == (str(tmp_path / "config"), "site")


@pytest.mark.parametrize(
    ("cluster", "user", "why"),
    [
        ({"insecure-skip-tls-verify": True}, {}, "insecure-skip-tls-verify"),
        ({"proxy-url": "http://proxy"}, {}, "proxy-url"),
        ({"server": "http://10.0.0.1:8080"}, {}, "no address that begins with https://"),
        ({}, {"username": "admin", "password": "x"}, "username"),
        ({}, {"auth-provider": {"name": "oidc"}}, "auth-provider"),
        ({"certificate-authority": "nowhere.pem"}, {}, "nowhere.pem cannot be read"),
    ],
)
def test_what_is_not_followed_is_refused_by_name(tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match="the kubeconfig cannot be used") as caught:
        reach("site", [written(tmp_path / "config", cluster=cluster, user=user)])
    assert why in caught.value.what


def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path) -> None:
    for text in ("[", "- a list"):
        (tmp_path / "config").write_text(text)
        with pytest.raises(UsageError, match="the kubeconfig cannot be used"):
            reach("site", [tmp_path / "config"])


def helper(folder: Path, answer: dict[str, Any], code: int = 0) -> dict[str, Any]:
    """A program beside the kubeconfig that counts how often it is asked."""
    script = folder / "sign-in"
    script.write_text(f'#!/bin/sh\necho asked >> {folder}/asked\necho "$KUBERNETES_EXEC_INFO" > {folder}/info\ncat {folder}/answer\nexit {code}\n')
    script.chmod(0o755)
    (folder / "answer").write_text(json.dumps(answer))
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./sign-in", "interactiveMode": "Never"}}


def test_a_helper_is_asked_once_until_what_it_gave_ends(tmp_path: Path) -> None:
    user = helper(tmp_path, {"status": {"token": "t", "expirationTimestamp": "2999-01-01T00:00:00Z"}})
    way = reach("site", [written(tmp_path / "config", user=user)])
    assert [way.headers(), way.headers()] == [{"Authorization": "Bearer t"}] * 2
    assert (tmp_path / "asked").read_text() == "asked\n" and json.loads((tmp_path / "info").read_text())["kind"] == "ExecCredential"
    user = helper(tmp_path, {"status": {"token": "t", "expirationTimestamp": "2001-01-01T00:00:00Z"}})
    way = reach("site", [written(tmp_path / "config", user=user)])
    assert [way.headers(), way.headers()] == [{"Authorization": "Bearer t"}] * 2
    assert (tmp_path / "asked").read_text() == "asked\n" * 3


@pytest.mark.parametrize(("answer", "code"), [({"status": {}}, 0), ({}, 0), ({"status": {"token": "t"}}, 1)])
def test_a_helper_that_gives_nothing_is_named(tmp_path: Path, answer: dict[str, Any], code: int) -> None:
    way = reach("site", [written(tmp_path / "config", user=helper(tmp_path, answer, code))])
    with pytest.raises(Fault, match="sign-in did not say who asks"):
        way.headers()


def test_a_cluster_that_nobody_answers_for_is_named_with_its_context(tmp_path: Path) -> None:
    port = free_block()
    way = reach("site", [written(tmp_path / "config", cluster={"server": f"https://127.0.0.1:{port}/k8s/clusters/one"})])
    with pytest.raises(NoAnswer, match="the cluster of context site does not answer") as caught:
        Client(way=way).ask("GET", "/version")
    assert (caught.value.given, way.path) == (f"GET https://127.0.0.1:{port}/k8s/clusters/one/version", "/k8s/clusters/one")


def test_an_authority_of_the_entry_itself_is_decoded(tmp_path: Path) -> None:
    text = "-----BEGIN CERTIFICATE-----\n"
    config = written(tmp_path / "config", cluster={"certificate-authority-data": base64.b64encode(text.encode()).decode()})
    assert reach("site", [config]).authority == text
