"""What our own environments would cost, in USD a month, by the prices of the committed table. New prices or resources change these figures."""

from __future__ import annotations

import pytest

from infra.artifacts import Plan, PlannedResource, StateRef
from infra.config.model import ENVIRONMENTS
from infra.pipeline.cost import Estimate, estimate
from tests.stacks.test_programs import Made
from tests.stacks.world import STACKS, Recorded

UNPRICED = [
    "EKS audit log events looked at",
    "S3 data events looked at",
    "Security Hub checks",
    "backups kept",
    "configuration items recorded",
    "data events written; the first copy of management events is free",
    "files kept on EFS, Infrequent Access",
    "files kept on EFS, Standard",
    "files read and written on EFS, elastic throughput",
    "items of DynamoDB tables, Standard",
    "logs of networks and firewalls delivered to S3",
    "point-in-time recovery of DynamoDB tables",
    "read request units of DynamoDB, on demand",
    "requests to the key",
    "write request units of DynamoDB, on demand",
]


def planned(each: Recorded) -> PlannedResource:
    return PlannedResource(
        urn=each.urn,
        type=each.type,
        name=each.name,
        op="create",
        custom=each.custom,
        provider=each.provider,
        inputs=each.inputs,
        property_dependencies=each.refers,
    )


def costed(made: Made, environment: str) -> Estimate:
    nothing = StateRef(serial=0, digest="")
    return estimate(
        [
            Plan(
                environment=environment,
                project=f"falaj-{stack}",
                stack=stack,
                program="",
                state=nothing,
                resources=[*map(planned, made(stack, environment).resources)],
            )
            for stack in STACKS
        ]
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("local", {"foundation": (216.04, 216.04), "cluster": (361.08, 1570.33), "platform": (0.0, 0.0), "workloads": (0.0, 0.0)}),
        ("dev", {"foundation": (216.04, 216.04), "cluster": (460.02, 1858.39), "platform": (4.84, 4.84), "workloads": (0.0, 0.0)}),
        ("staging", {"foundation": (322.0, 322.0), "cluster": (914.64, 7108.74), "platform": (0.0, 0.0), "workloads": (0.0, 0.0)}),
        ("prod", {"foundation": (322.0, 322.0), "cluster": (1606.09, 14487.95), "platform": (0.0, 0.0), "workloads": (0.0, 0.0)}),
    ],
)
def test_an_environment_costs_what_is_written_down(made: Made, environment: str, expected: dict[str, tuple[float, float]]) -> None:
    found = costed(made, environment)
    assert ({each.stack: each.monthly for each in found.stacks}, found.prices_from) == (expected, ("2026-05-31", "2026-11-26"))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_has_no_price_is_known_by_name(made: Made, environment: str) -> None:
    found = costed(made, environment)
    assert sorted({line.what or line.type for line in found.only("unpriced")}) == UNPRICED
    assert found.unpriced_instances == {}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_left_uncounted(made: Made, environment: str) -> None:
    assert [(line.name, line.why) for line in costed(made, environment).only("unknown")] == []
