"""Which form of Kubernetes an environment has, and what a real node is given by `falaj up`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from falaj.errors import UsageError
from infra.cli.node_images import hand_over
from infra.cli.up import choose_kubernetes, up
from infra.config.load import load_environment
from infra.sandbox.kubernetes.service import choose_form, form, free_form, kubernetes_daemon, token_file
from infra.sandbox.node.identity import identity
from infra.sandbox.node.settings import settings_of

CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:14500", "AWS_REGION": "me-central-1", "PATH": "/bin"}


def digests() -> dict[str, str]:
    images = load_environment("local").workloads.images
    return {"train": images.train, "serve": images.serve}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Both images, as config names them."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, digest in digests().items():
        (folder / f"{name}.oci.tar").write_text(name)
        (folder / f"{name}.digest").write_text(digest)
    return folder


def test_pods_are_processes_until_somebody_says_otherwise(falaj_home: Path) -> None:
    assert (form(), kubernetes_daemon().folder) == ("process", falaj_home / "local/kubernetes")
    choose_form("node")
    assert (form(), kubernetes_daemon().folder, token_file()) == ("node", falaj_home / "local/node", falaj_home / "local/node/token")


@pytest.mark.parametrize("one, other", [("process", "node"), ("node", "process")])
def test_an_environment_keeps_its_form_until_it_is_taken_down(falaj_home: Path, one: str, other: str) -> None:
    choose_form(one)
    with pytest.raises(UsageError) as caught:
        choose_form(other)
    assert caught.value.next == "falaj down --env local, then the same command again"
    free_form()
    choose_form(other)
    assert form() == other


def test_what_was_made_before_there_was_a_choice_is_processes(falaj_home: Path) -> None:
    (falaj_home / "local/kubernetes").mkdir(parents=True)
    with pytest.raises(UsageError):
        choose_form("node")


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine could run a node."""
    monkeypatch.setattr("infra.sandbox.node.settings.require", lambda settings: None)


def test_images_are_handed_over_under_the_names_that_pods_ask_for(falaj_home: Path, images: Path, able: None) -> None:
    choose_kubernetes("local", "node", images)
    given = kubernetes_daemon().folder / "images"
    assert {each.name: each.read_text() for each in given.iterdir()} == {
        "falaj-train.tar": "train",
        "falaj-train.repository": "123456789012.dkr.ecr.me-central-1.amazonaws.com/falaj-train\n",
        "falaj-serve.tar": "serve",
        "falaj-serve.repository": "123456789012.dkr.ecr.me-central-1.amazonaws.com/falaj-serve\n",
    }
    choose_kubernetes("local", None, None)  # they are there from then on


def test_a_node_without_images_says_how_they_are_made(falaj_home: Path, able: None) -> None:
    with pytest.raises(UsageError) as caught:
        choose_kubernetes("local", "node", None)
    assert (caught.value.what, caught.value.given) == ("a real node needs the train image", "no --images")
    assert caught.value.next == "sh tools/image.sh train OUT, then falaj up --env local --kubernetes node --images OUT (docs/images.md)"
    assert form() == "process"


def test_an_image_that_config_does_not_name_is_refused(falaj_home: Path, images: Path) -> None:
    (images / "serve.digest").write_text("sha256:0")
    with pytest.raises(UsageError) as caught:
        hand_over(images, falaj_home / "images")
    assert (caught.value.given, caught.value.allowed) == (f"{images}: sha256:0", digests()["serve"])


@pytest.mark.parametrize("words", [["--env", "prod", "--kubernetes", "node"], ["--env", "local", "--images", "."]])
def test_the_choice_is_for_local_and_images_are_for_a_node(falaj_home: Path, words: list[str]) -> None:
    assert isinstance(CliRunner().invoke(up, words).exception, UsageError)


def test_pods_are_told_of_the_cloud_by_the_nodes_own_way_to_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    policy, binding = identity(settings, CLOUD)
    expression = policy["spec"]["mutations"][0]["applyConfiguration"]["expression"]
    assert f'name: "AWS_ENDPOINT_URL", value: "http://{settings.networks.machine}:14500"' in expression and "PATH" not in expression
    (words,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert words["values"] == ["inference", "training"]


def test_without_an_emulated_cloud_nobody_is_told_of_one(tmp_path: Path) -> None:
    assert list(identity(settings_of(tmp_path), {"AWS_ENDPOINT_URL": "https://sts.me-central-1.amazonaws.com"})) == []
