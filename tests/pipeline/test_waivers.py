"""A waiver excuses one failure of one resource for a while, and only where it is right in every respect."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.files import write_json
from falaj.signing import public_pem
from infra.artifacts import RuleResult, WaiverUse
from infra.pipeline.waivers import digest_of, sign, use
from tests.pipeline.waiving import RESIDENCY, Desk, desk, waiver

KEY = "urn:pulumi:prod::app::aws:kms/key:Key::key"
OTHER = "urn:pulumi:prod::app::aws:kms/key:Key::other"
NOON = "2026-01-01T12:00:00Z"
PARAMETERS = {
    "allowed_regions": ["me-central-1"],
    "data_classes": ["internal", "personal"],
    "waivers": {"maximum_days": 90, "residency_days": 30},
}


@pytest.fixture
def table(tmp_path: Path) -> Desk:
    return desk(tmp_path)


def result(*subjects: str, why: str = "rotation is off", rule: str = "key_rotated", check: str = "C06", **more: Any) -> RuleResult:
    failed = {subject: [why] for subject in subjects}
    return RuleResult(rule=rule, title="T", check=check, severity="high", judged=[KEY, OTHER], fail=failed, **more)


def used(table: Desk, *results: RuleResult, now: str = NOON) -> tuple[list[dict[str, str]], list[tuple[str, str, str]]]:
    """What each rule has waived, and id, state and reason of each waiver."""
    filled, uses, _ = use(table.policies, "prod", results, now, PARAMETERS)
    return [one.waived for one in filled], [(one.id, one.state, one.why) for one in uses]


def test_two_people_excuse_one_failure_of_one_resource(table: Desk) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    filled, uses, digest = use(table.policies, "prod", [result(KEY, OTHER)], NOON, PARAMETERS)
    assert filled == [result(KEY, OTHER, waived={KEY: "w1"})]
    words = {"owner": "ml-platform", "reason": "the supplier changes it in March", "control": "read access for nobody"}
    assert uses == [WaiverUse(id="w1", rule="key_rotated", resource=KEY, **words, approvers=["ada", "carol"], expires="2026-01-31T00:00:00Z", state="used")]
    assert digest == digest_of(table.policies)


def test_it_holds_up_to_the_moment_it_expires(table: Desk) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"))
    assert used(table, result(KEY), now="2026-01-30T23:59:59Z")[0] == [{KEY: "w1"}]
    assert used(table, result(KEY), now="2026-01-31T00:00:00Z") == ([{}], [("w1", "refused", "it expired at 2026-01-31T00:00:00Z")])
    assert used(table, result(KEY), now="2025-12-31T23:59:59Z") == ([{}], [("w1", "refused", "it begins at 2026-01-01T00:00:00Z only")])


def approved_by(*names: str) -> Callable[[Desk], dict[str, Any]]:
    return lambda table: table.signed(waiver("key_rotated", KEY), *names)


def altered(**changes: Any) -> Callable[[Desk], dict[str, Any]]:
    return lambda table: table.signed(waiver("key_rotated", KEY), "ada", "bilal") | changes


def signed_as(**changes: Any) -> Callable[[Desk], dict[str, Any]]:
    return lambda table: table.signed(waiver("key_rotated", KEY, **changes), "ada", "bilal")


def twice(table: Desk) -> dict[str, Any]:
    document = table.signed(waiver("key_rotated", KEY), "ada")
    return {**document, "approvals": document["approvals"] * 2}


def forged(table: Desk) -> dict[str, Any]:
    document = table.signed(waiver("key_rotated", KEY), "ada")
    return sign(document, "bilal", table.keys["mallory"])


def borrowed(table: Desk) -> dict[str, Any]:
    """Bilal's name and key over what somebody else signed."""
    document = table.signed(waiver("key_rotated", KEY), "ada", "bilal")
    document["approvals"][1]["signature"] = document["approvals"][0]["signature"]
    return document


def unreadable_signature(table: Desk) -> dict[str, Any]:
    document = table.signed(waiver("key_rotated", KEY), "ada", "bilal")
    document["approvals"][1]["signature"] = "not base64!"
    return document


def without(key: str) -> Callable[[Desk], dict[str, Any]]:
    return lambda table: {name: value for name, value in waiver("key_rotated", KEY).items() if name != key}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (approved_by(), "nobody has signed it"),
        (approved_by("ada"), "it has one approval and needs two"),
        (twice, "one person alone has approved it"),
        (approved_by("ada", "mallory"), "mallory is not among the approvers"),
        (forged, "the key of bilal is another one"),
        (borrowed, "it is not what bilal has signed"),
        (unreadable_signature, "it is not what bilal has signed"),
        (altered(reason="another"), "it is not what ada has signed"),
        (altered(expires="2026-02-01T00:00:00Z"), "it is not what ada has signed"),
        (altered(resource=OTHER), "it is not what ada has signed"),
        (altered(owner="ada"), "its owner ada approves it"),
        (signed_as(owner="Ada "), "its owner Ada  approves it"),
        (signed_as(days=91), "it runs longer than 90 days"),
        (signed_as(expires="2026-02-31T00:00:00Z"), "its dates are none"),
        (signed_as(resource="*"), "resource is '*', which does not match ^urn:pulumi:[^*]+::[^*]+$"),
        (signed_as(control=" "), "control is ' ', which does not match \\S"),
        (without("owner"), "the document lacks owner"),
        (lambda _: [1], "it is not a JSON object"),
    ],
)
def test_what_is_not_right_is_refused_by_name_and_excuses_nothing(table: Desk, make: Callable[[Desk], Any], why: str) -> None:
    table.put(make(table), "w1.json")
    assert used(table, result(KEY, OTHER)) == ([{}], [("w1", "refused", why)])


def test_two_names_with_one_key_are_one_person(table: Desk) -> None:
    pem = public_pem(table.keys["ada"]).decode()
    write_json(table.policies / "approvers.json", {name: {"key": pem, "may": ["waive"]} for name in ("ada", "adaline")})
    table.put(sign(table.signed(waiver("key_rotated", KEY), "ada"), "adaline", table.keys["ada"]))
    assert used(table, result(KEY)) == ([{}], [("w1", "refused", "one person alone has approved it")])


def test_one_that_says_something_twice_is_refused(table: Desk) -> None:
    """Its signatures hold: they are on what the machine reads, and people who look at the file read the other one."""
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"))
    path = table.policies / "waivers" / "w1.json"
    path.write_text(path.read_text().replace("{", '{"rule": "key_policy_closed", ', 1))
    assert used(table, result(KEY)) == ([{}], [("w1", "refused", "it says something twice")])


def test_a_file_by_another_name_and_a_file_that_is_no_json_are_refused(table: Desk) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"), "w2.json")
    (table.policies / "waivers" / "old.yaml").write_text("rule: key_rotated\n")
    (table.policies / "waivers" / "deep.json").write_text("[" * 200_000)
    (table.policies / "waivers" / "README.md").write_text("how")
    assert used(table, result(KEY)) == (
        [{}],
        [("deep", "refused", "it is not JSON"), ("old.yaml", "refused", "it is not JSON"), ("w2", "refused", "its file is not called w1.json")],
    )


@pytest.mark.parametrize("results", [[result(OTHER)], [result(KEY, rule="another")], []], ids=["another resource", "another rule", "no answer"])
def test_what_matches_no_failure_is_listed_as_unused(table: Desk, results: list[RuleResult]) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"))
    assert used(table, *results) == ([{} for _ in results], [("w1", "unused", "this rule does not fail this resource here")])


def test_an_unknown_is_not_waived(table: Desk) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"))
    assert used(table, result(unknown={KEY: ["not known"]})) == ([{}], [("w1", "unused", "this rule does not fail this resource here")])


def test_those_of_another_environment_are_not_spoken_of(table: Desk) -> None:
    table.put(table.signed(waiver("key_rotated", KEY, environment="staging"), "ada", "bilal"))
    assert used(table, result(KEY)) == ([{}], [])


def copied(*, region: str = "eu-central-1") -> RuleResult:
    return result(KEY, rule="copies_stay", check="C01", why=f"it copies to {region}; allowed: me-central-1")


def test_data_leaves_only_where_the_waiver_says(table: Desk) -> None:
    table.put(table.signed(waiver("copies_stay", KEY, residency=RESIDENCY), "ada", "bilal"))
    assert used(table, copied()) == ([{KEY: "w1"}], [("w1", "used", "")])
    why = "it speaks of a copy in eu-central-1, the failure does not: it copies to eu-central-10; allowed: me-central-1"
    assert used(table, copied(region="eu-central-10")) == ([{}], [("w1", "refused", why)])


def test_a_copied_key_is_never_waived(table: Desk) -> None:
    table.put(table.signed(waiver("copies_stay", KEY, residency=RESIDENCY), "ada", "bilal"))
    why = "it is the copy of a key of another region"
    refused = f"it speaks of a copy in eu-central-1, the failure does not: {why}"
    assert used(table, result(KEY, rule="copies_stay", check="C01", why=why)) == ([{}], [("w1", "refused", refused)])


@pytest.mark.parametrize(
    ("changes", "names", "why"),
    [
        ({"residency": None}, ("ada", "bilal"), "its rule keeps data in the country, and it does not say what leaves and where to"),
        ({"residency": RESIDENCY, "days": 31}, ("ada", "bilal"), "it runs longer than 30 days"),
        ({"residency": RESIDENCY}, ("ada", "carol"), "none of its approvers may let data leave the country"),
        (
            {"residency": RESIDENCY | {"copy_region": "me-central-1"}},
            ("ada", "bilal"),
            "the copy's region me-central-1 is an allowed one and needs no waiver",
        ),
        (
            {"residency": RESIDENCY | {"key_region": "eu-central-1"}},
            ("ada", "bilal"),
            "the region of the keys eu-central-1 is none of those allowed: me-central-1",
        ),
        (
            {"residency": RESIDENCY | {"lost_region": "eu-west-1"}},
            ("ada", "bilal"),
            "the lost region eu-west-1 is none of those allowed: me-central-1",
        ),
        ({"residency": RESIDENCY | {"data_classes": ["all"]}}, ("ada", "bilal"), "there is no data class all"),
    ],
)
def test_more_is_asked_where_data_leaves_the_country(table: Desk, changes: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    table.put(table.signed(waiver("copies_stay", KEY, **copy.deepcopy(changes)), *names))
    assert used(table, copied()) == ([{}], [("w1", "refused", why)])


def test_the_digest_names_every_waiver_and_approver_and_nothing_else(table: Desk) -> None:
    path = table.put(table.signed(waiver("key_rotated", KEY), "ada", "bilal"))
    digests = [digest_of(table.policies)]
    (table.policies / "waivers" / "README.md").write_text("how")
    assert digest_of(table.policies) == digests[0]
    for touched in (path, table.policies / "approvers.json"):
        touched.write_text(touched.read_text() + " ")
        digests.append(digest_of(table.policies))
    path.unlink()
    digests.append(digest_of(table.policies))
    assert len(set(digests)) == 4


@pytest.mark.parametrize("listed", [{"ada": {"key": "x", "may": ["waive"]}}, {"ada": {"key": "BEGIN PUBLIC KEY", "may": ["waive"]}}, []])
def test_a_list_of_approvers_that_is_none_stops_the_gate(table: Desk, listed: Any) -> None:
    write_json(table.policies / "approvers.json", listed)
    with pytest.raises(UsageError, match="approver"):
        used(table, result(KEY))


def test_without_approvers_and_waivers_nothing_is_excused(tmp_path: Path) -> None:
    filled, uses, digest = use(tmp_path, "prod", [result(KEY)], NOON, PARAMETERS)
    assert (filled, uses, digest) == ([result(KEY)], [], digest_of(tmp_path))
