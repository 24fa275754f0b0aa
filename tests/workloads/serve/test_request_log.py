"""The request log keeps features for a stated time, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from falaj.errors import UsageError
from workloads.serve.request_log import RequestLog, forget, read
from workloads.serve.settings import from_environment

DAY = 86400.0
GIVEN = {"FALAJ_RELEASES": "/releases", "FALAJ_REQUESTS": "/requests"}


def test_a_file_holds_the_lines_of_one_day(tmp_path: Path) -> None:
    clock = [10 * DAY]
    log = RequestLog(tmp_path, pod="a", limit_bytes=1000, keep=3, now=lambda: clock[0])
    for hours in (0, 1, 26):
        clock[0] = 10 * DAY + hours * 3600
        log.write([{"time": clock[0]}])
    lines = {path.name: [json.loads(line)["time"] for line in path.read_text().splitlines()] for path in tmp_path.iterdir()}
    assert lines == {"requests-a.jsonl": [11 * DAY + 7200], "requests-a.jsonl.1": [10 * DAY, 10 * DAY + 3600]}


def test_what_may_hold_a_line_that_is_too_old_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name, age in {"requests-a.jsonl": 0.5, "requests-a.jsonl.1": 28.5, "requests-b.jsonl": 29.5, "drift.json": 400}.items():
        (tmp_path / name).write_text('{"time": 1}\n')
        os.utime(tmp_path / name, ((100 - age) * DAY, (100 - age) * DAY))
    assert forget(tmp_path, now=100 * DAY, days=30) == ["requests-b.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drift.json", "requests-a.jsonl", "requests-a.jsonl.1"]


def test_a_log_that_is_to_keep_nothing_has_no_folder(tmp_path: Path) -> None:
    settings = from_environment({**GIVEN, "FALAJ_REQUEST_LOG": "none"})
    RequestLog(settings.requests, pod="a", limit_bytes=10, keep=1).write([{"time": 1.0}])
    assert settings.requests is None and list(read(tmp_path)) == []


def test_how_long_a_line_lives_is_a_setting() -> None:
    assert [from_environment(each).log_days for each in (GIVEN, {**GIVEN, "FALAJ_REQUEST_LOG_DAYS": "7"})] == [30, 7]


@pytest.mark.parametrize("setting", [{"FALAJ_REQUEST_LOG": "text"}, {"FALAJ_REQUEST_LOG_DAYS": "1"}, {"FALAJ_REQUEST_LOG_DAYS": "for ever"}])
def test_a_log_of_texts_or_without_an_end_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        from_environment({**GIVEN, **setting})
