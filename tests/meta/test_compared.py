"""The table beside other systems claims nothing without a place that shows it."""

from __future__ import annotations

import re

from falaj.home import ROOT

PAGE = ROOT / "docs" / "compared.md"
LINK = re.compile(r"\]\(\.\./([^)#]+)\)")


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]


def test_every_feature_that_is_claimed_names_a_test_or_a_file_that_is_there() -> None:
    claims = {row[0]: (row[2], LINK.findall(row[3])) for row in rows()}
    assert list(claims) == [str(number) for number in range(1, 51)]
    assert {number: said for number, (said, named) in claims.items() if said not in ("y", "p", "n") or (said != "n" and not named)} == {}
    assert [path for _, named in claims.values() for path in named if not (ROOT / path).exists()] == []


def test_what_others_lack_names_a_place_each() -> None:
    offers = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\d+\. ", line)]
    assert len(offers) == 10
    assert [line for line in offers if not LINK.findall(line)] == []
    assert [path for line in offers for path in LINK.findall(line) if not (ROOT / path).exists()] == []
