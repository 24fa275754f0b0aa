"""The report of a run: tells what is there, says what is not, and needs nothing outside itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from falaj.files import write_json
from falaj.home import runs_folder, stack_folder
from infra.audit.evidence import EvidenceFolder
from infra.audit.report import headline, write_report
from infra.audit.story import tell
from tests.audit import world


class Text(HTMLParser):
    """The words of a page, and whether its tags are closed in order."""

    VOID = frozenset({"meta", "br", "link", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def read(path: Path) -> str:
    page = Text()
    page.feed(path.read_text())
    assert (page.wrong, page.open) == ([], [])
    return " ".join(" ".join(page.words).split())


def test_the_numbers_that_matter_are_on_the_page(evidence: EvidenceFolder, tmp_path: Path) -> None:
    text = read(write_report("local", tmp_path / "report.html"))
    for words in (
        "4 of 4 stacks applied, and a model trained, judged, signed and released.",
        "foundation 15 15 0 0 0 0 allowed succeeded 15",
        "language · accuracy on 302 rows",
        "INT8 loses 0.51 % of the full model's score.",
        "3.7 times smaller.",
        "INT8 ran at 2.2 times the speed",
        f"Version {world.VERSION}",
        "demonstration, shifted requests drift",
        "live requests too little data",
        "http://127.0.0.1:14510",
        evidence.digest,
        evidence.signed_by,
    ):
        assert words in text


def test_an_empty_environment_says_not_yet_everywhere(falaj_home: Path, tmp_path: Path) -> None:
    text = read(write_report("prod", tmp_path / "report.html"))
    assert "Nothing was planned yet." in text
    assert text.count("Not yet:") == 7


@pytest.mark.parametrize("part", ["stacks", "volumes", "evidence", "audit.jsonl", "up.json", "volumes/training/work/runs/" + world.RUN + "/evaluate"])
def test_a_part_that_is_missing_does_not_break_the_page(evidence: EvidenceFolder, tmp_path: Path, part: str) -> None:
    path = evidence.path.parent / part
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert "Not yet:" in read(write_report("local", tmp_path / "report.html")) or part == "audit.jsonl"


@pytest.mark.parametrize("name", ["stacks/cluster/plan.json", "stacks/cluster/decision.json", "audit.jsonl", "up.json", "evidence/manifest.json"])
def test_a_document_that_was_cut_does_not_break_the_page(evidence: EvidenceFolder, tmp_path: Path, name: str) -> None:
    path = evidence.path.parent / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    read(write_report("local", tmp_path / "report.html"))


def test_the_same_documents_give_the_same_page(evidence: EvidenceFolder, tmp_path: Path) -> None:
    one, two = (write_report("local", tmp_path / name).read_bytes() for name in ("one.html", "two.html"))
    assert one == two


def test_the_page_reaches_for_nothing_outside_itself(evidence: EvidenceFolder, tmp_path: Path) -> None:
    html = write_report("local", tmp_path / "report.html").read_text()
    assert re.findall(r"<script|<link|<img|src=|@import|url\(|href=", html) == []


def test_text_from_outside_is_escaped(evidence: EvidenceFolder, tmp_path: Path) -> None:
    path = runs_folder("local") / world.RUN / "evaluate" / "candidate.json"
    value = json.loads(path.read_text().replace("section", "<script>alert(1)</script>"))
    value["data"]["name"] = '"><img onerror=alert(1)>'
    write_json(path, value)
    html = write_report("local", tmp_path / "report.html").read_text()
    assert "<script" not in html and "<img" not in html


def _denied(verdict: str) -> None:
    path = stack_folder("local", "cluster") / "decision.json"
    value = json.loads(path.read_text())
    rule = value["rules"][0]
    rule["fail"] = {rule["judged"][0]: ["the public endpoint is on"]}
    write_json(path, {**value, "verdict": verdict})


def test_what_the_gate_stopped_comes_first(happy: Path, tmp_path: Path) -> None:
    _denied("denied")
    assert headline(tell("local")) == ("bad", "The gate stopped cluster. Nothing of it was applied.")
    text = read(write_report("local", tmp_path / "report.html"))
    assert "cluster : the public endpoint is on Use the component of the platform. See runbooks/gate_denied.md." in text
    assert [rule.rule for rule in tell("local").rules][0] == "cluster_endpoint_private"


def test_a_failed_apply_comes_before_everything(happy: Path) -> None:
    path = stack_folder("local", "platform") / "apply.json"
    write_json(path, json.loads(path.read_text()) | {"result": "failed", "error": "quota"})
    assert headline(tell("local")) == ("bad", "The apply of platform failed; its finished steps and a usable state are kept.")


def test_a_run_that_was_denied_is_not_called_released(happy: Path) -> None:
    path = runs_folder("local") / world.RUN / "run.json"
    write_json(path, json.loads(path.read_text()) | {"status": "denied", "reasons": ["compression_loss: language: too much"]})
    assert headline(tell("local")) == ("bad", "The infrastructure stands; the model run ended: denied.")


def test_the_page_opens_in_a_browser_without_a_complaint(evidence: EvidenceFolder, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("needs chromium on PATH")
    page, picture = write_report("local", tmp_path / "report.html"), tmp_path / "report.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([browser, *flags, f"--screenshot={picture}", "--window-size=1280,2400", page.as_uri()], capture_output=True, text=True, timeout=120)
    assert picture.stat().st_size > 50_000
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
