"""Programs of other people: planned with any package, kept apart from each other, and told what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.artifacts import SECRET, UNKNOWN
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Program
from infra.engine.program import open_program


def written(folder: Path, text: str, name: str = "theirs") -> Program:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / "__main__.py").write_text(text)
    return open_program(folder, "prod")


_UNKNOWN_PACKAGE = """
import pulumi

class Zone(pulumi.CustomResource):
    serial: pulumi.Output
    def __init__(self, name, ttl, opts=None):
        super().__init__("dns:index:Zone", name, {"ttl": ttl, "serial": None}, opts)

zone = Zone("z", 60)
Zone("y", zone.serial.apply(lambda serial: serial + 1))
Zone("x", pulumi.Output.secret(5))
Zone("w", pulumi.runtime.invoke_output("dns:index:lookup", {"name": "z"}).apply(lambda found: found["ttl"]))
pulumi.export("serial", zone.serial)
pulumi.export("ttl", zone.ttl)
"""


def test_a_package_that_nothing_knows_is_planned_by_its_inputs(falaj_home: Path, tmp_path: Path) -> None:
    text = _UNKNOWN_PACKAGE.replace("    serial: pulumi.Output\n", "    serial: pulumi.Output\n    ttl: pulumi.Output\n")
    plan = EmbeddedEngine("prod").preview(written(tmp_path / "p", text))
    inputs = {item.name: item.inputs for item in plan.resources if item.type == "dns:index:Zone"}
    assert inputs == {"z": {"ttl": 60}, "y": {"ttl": UNKNOWN}, "x": {"ttl": SECRET}, "w": {"ttl": UNKNOWN}}
    assert plan.outputs == {"serial": UNKNOWN, "ttl": 60}
    assert [item.name for item in plan.resources if item.type == "pulumi:providers:dns"] == ["default"]


def test_the_same_program_has_the_same_plan_every_time(falaj_home: Path, tmp_path: Path) -> None:
    text = "import pulumi_aws as aws\nfor i in range(12): aws.s3.Bucket(f'b{i}', tags={'n': str(i)})\n"
    engine, program = EmbeddedEngine("prod"), written(tmp_path / "p", text)
    assert engine.preview(program) == engine.preview(program)


def test_aws_resources_under_the_default_provider_are_planned_with_its_version_and_region(falaj_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    written(folder, "import pulumi_aws as aws\nkey = aws.kms.Key('k')\naws.neptune.Cluster('db', engine='neptune', kms_key_arn=key.arn)\n")
    (folder / "Pulumi.prod.yaml").write_text("config:\n  aws:region: me-central-1\n")
    plan = EmbeddedEngine("prod").preview(open_program(folder, "prod"))
    default = next(item for item in plan.resources if item.type == "pulumi:providers:aws")
    database = next(item for item in plan.resources if item.type == "aws:neptune/cluster:Cluster")
    assert default.inputs["region"] == "me-central-1" and default.name == "default_" + default.inputs["version"].replace(".", "_")
    assert database.inputs == {"engine": "neptune", "kmsKeyArn": UNKNOWN}
    assert database.property_dependencies["kmsKeyArn"] == ["urn:pulumi:prod::theirs::aws:kms/key:Key::k"]


def test_modules_of_one_program_are_not_seen_by_the_next_and_nothing_is_left_in_its_folder(falaj_home: Path, tmp_path: Path) -> None:
    engine = EmbeddedEngine("prod")
    for name in ("one", "two"):
        folder = tmp_path / name
        program = written(folder, "import pulumi, helper\npulumi.export('said', helper.WORD)\n")
        (folder / "helper.py").write_text(f"WORD = '{name}'\n")
        assert engine.preview(program).outputs == {"said": name}
        assert sorted(path.name for path in folder.iterdir()) == ["Pulumi.yaml", "__main__.py", "helper.py"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import pulumi\nraise ValueError('no luck')\n", "ValueError: no luck"),
        ("import nowhere\n", "No module named 'nowhere'"),
        ("import pulumi(\n", "SyntaxError"),
        ("import sys\nprint('bye')\nsys.exit(3)\n", "exited with 3"),
        ("import os\nprint('gone', flush=True)\nos._exit(9)\n", "gone"),
        ("import pulumi\npulumi.log.error('not like this')\n", "not like this"),
        ("import pulumi\npulumi.StackReference('organization/nobody/prod')\n", "unknown stack 'organization/nobody/prod'"),
    ],
)
def test_a_program_that_fails_is_a_usage_error_that_says_why(text: str, said: str, falaj_home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        EmbeddedEngine("prod").preview(written(tmp_path / "p", text))
    assert said in str(refusal.value)


def test_the_local_environment_names_the_package_it_has_no_provider_for(falaj_home: Path, tmp_path: Path) -> None:
    program = written(tmp_path / "p", "import pulumi\nclass Z(pulumi.CustomResource): pass\nZ('dns:index:Zone', 'z')\n")
    with pytest.raises(UsageError, match="no provider for package 'dns'"):
        EmbeddedEngine("local").up(program)


def test_an_asset_is_refused_by_name(falaj_home: Path, tmp_path: Path) -> None:
    text = "import pulumi, pulumi_aws as aws\naws.s3.BucketObject('o', bucket='b', source=pulumi.StringAsset('x'))\n"
    with pytest.raises(UsageError, match="does not support assets and archives"):
        EmbeddedEngine("prod").preview(written(tmp_path / "p", text))


def test_an_invoke_in_plain_form_that_cannot_be_answered_is_unknown_wherever_it_goes(falaj_home: Path, tmp_path: Path) -> None:
    text = """
import pulumi_aws as aws
zones = aws.get_availability_zones()
image = aws.ec2.get_ami(most_recent=True, owners=["amazon"])
aws.ec2.Subnet("s", vpc_id="v", cidr_block="10.0.0.0/24", availability_zone=zones.names[0], tags={"name": f"in {zones.names[0]}"})
for zone in zones.names:
    aws.ec2.Instance("i", ami=image.id, availability_zone=zone)
"""
    plan = EmbeddedEngine("prod").preview(written(tmp_path / "p", text))
    inputs = {item.name: item.inputs for item in plan.resources}
    assert (inputs["s"]["availabilityZone"], inputs["s"]["tags"], inputs["i"]["ami"], inputs["i"]["availabilityZone"]) == (
        UNKNOWN,
        {"name": UNKNOWN},
        UNKNOWN,
        UNKNOWN,
    )


_TRANSFORMS = """
import pulumi

class Zone(pulumi.CustomResource):
    def __init__(self, name, opts=None, **props):
        super().__init__("dns:index:Zone", name, {"serial": None, **props}, opts)

class Group(pulumi.ComponentResource):
    pass

def adding(word):
    def add(args):
        if args.type_ == "dns:index:Zone":
            args.opts.protect = True
            return pulumi.ResourceTransformResult({**args.props, "said": args.props.get("said", "") + word}, args.opts)
    return add

def asked(args):
    return pulumi.InvokeTransformResult({**args.args, "name": "other"}, args.opts)

pulumi.runtime.register_resource_transform(adding("stack"))
pulumi.runtime.register_invoke_transform(asked)
group = Group("house:index:Group", "g", {}, pulumi.ResourceOptions(transforms=[adding("parent ")]))
plain = Zone("plain")
inside = pulumi.ResourceOptions(parent=group, transforms=[adding("own ")])
Zone("child", ttl=plain.serial, key=pulumi.Output.secret("k"), opts=inside)
"""


def test_a_registration_is_shown_to_its_own_transforms_then_its_parents_then_the_stacks(falaj_home: Path, tmp_path: Path) -> None:
    plan = EmbeddedEngine("prod").preview(written(tmp_path / "p", _TRANSFORMS))
    zones = {item.name: item for item in plan.resources if item.type == "dns:index:Zone"}
    assert {name: (item.inputs, item.protect) for name, item in zones.items()} == {
        "plain": ({"said": "stack"}, True),
        "child": ({"said": "own parent stack", "ttl": UNKNOWN, "key": SECRET}, True),
    }
    # The SDK sends back what a transform returns without saying what it was computed from; the resource still waits for all of it.
    assert zones["child"].property_dependencies == {"key": [], "said": [], "ttl": []}
    assert zones["child"].dependencies == [zones["plain"].urn]


def test_a_transform_that_fails_is_a_usage_error_that_says_why(falaj_home: Path, tmp_path: Path) -> None:
    text = _TRANSFORMS.replace("    return add", "    def add(args): raise ValueError('no luck')\n    return add", 1)
    with pytest.raises(UsageError, match="a transform of the program failed: no luck") as refusal:
        EmbeddedEngine("prod").preview(written(tmp_path / "p", text))
    assert refusal.value.given in ("dns:index:Zone 'plain'", "dns:index:Zone 'child'", "house:index:Group 'g'")
