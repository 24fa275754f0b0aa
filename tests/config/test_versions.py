"""Pinned versions go together, and everybody can see how long they are mended."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from falaj.files import read_json
from falaj.home import ROOT
from infra.cli.doctor import support
from infra.config.versions import ADDONS, KUBERNETES, PINS, SUPPORT, UPGRADE_ORDER, UPGRADES, days_left

NOVEMBER = date(2026, 11, 27)


def test_kube_proxy_is_of_the_clusters_own_version() -> None:
    assert ADDONS["kube-proxy"].startswith(f"v{KUBERNETES}.")


def test_the_gate_lets_no_version_through_whose_end_nobody_knows() -> None:
    allowed = read_json(ROOT / "policies" / "data" / "common.json", what="parameters", next="restore it")["cluster"]["versions"]
    assert KUBERNETES in allowed and set(allowed) <= set(SUPPORT)
    assert all((days_left(each, NOVEMBER) or -1) > 0 for each in allowed)


@pytest.mark.parametrize(("version", "left"), [("1.33", -121), ("1.34", 5), ("1.35", 120), ("1.99", None)])
def test_days_of_support_are_counted(version: str, left: int | None) -> None:
    assert days_left(version, NOVEMBER) == left


@pytest.mark.parametrize(
    ("today", "found", "ok"),
    [
        (date(2026, 11, 27), "1.35, 120 days of standard support left", True),
        (date(2027, 3, 1), "1.35, 26 days of standard support left", False),
        (date(2027, 4, 1), "1.35, standard support ended 5 days ago", False),
    ],
)
def test_the_doctor_warns_a_month_before_the_end(today: date, found: str, ok: bool) -> None:
    finding = support("1.35", today)
    assert (finding.found, finding.ok, finding.needed) == (found, ok, False)


def test_the_page_says_what_to_upgrade_in_which_order() -> None:
    page = Path(ROOT / "docs" / "upgrades.md").read_text(encoding="utf-8")
    places = [page.index(f"| {what} | {how} |") for what, how in UPGRADE_ORDER]
    assert places == sorted(places)
    assert all(f"| {version} | {each.standard_until} | {each.extended_until} |" in page for version, each in SUPPORT.items())


def test_every_pin_has_its_line_in_the_record_and_each_line_goes_on_from_the_one_before() -> None:
    reached: dict[str, str] = {}
    for each in UPGRADES:
        assert each.before == reached.get(each.what) and each.why, each
        reached[each.what] = each.after
    assert reached == PINS
    assert [each.on for each in UPGRADES] == sorted(each.on for each in UPGRADES)


def test_the_page_shows_the_record() -> None:
    page = Path(ROOT / "docs" / "upgrades.md").read_text(encoding="utf-8")
    rows = [line for line in page.partition("## What was changed when")[2].splitlines() if line.startswith("| 2")]
    assert rows == [f"| {each.on} | {each.what} | {each.before or '-'} | {each.after} | {each.why} |" for each in UPGRADES]
