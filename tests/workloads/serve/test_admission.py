"""How many texts are let in, and what who is not let in is told; on a clock of the test's own."""

from __future__ import annotations

import pytest

from falaj.errors import UsageError
from workloads.serve.access import AccessLog, masked
from workloads.serve.admission import Admission
from workloads.serve.settings import from_environment


def test_places_are_slots_and_queue_and_an_empty_server_takes_any_request() -> None:
    admission = Admission(2, 2, 1000.0, lambda: 0.0)
    assert [admission.enter(), admission.enter(2), admission.enter(2), admission.enter(), admission.enter()] == [True, True, False, True, False]
    admission.leave(4)
    assert (admission.enter(50), admission.inside) == (True, 50)


def test_nobody_is_let_in_to_wait_longer_than_is_told() -> None:
    clock = [0.0]
    admission = Admission(1, 1000, 5.0, lambda: clock[0])
    for _ in range(200):  # one answer every half second
        admission.enter()
        clock[0] += 0.5
        admission.leave(answered=1)
    entered = 0
    while admission.enter():
        entered += 1
    assert (entered, admission.retry_after()) == (11, 3)


def test_idle_time_says_nothing_about_the_rate() -> None:
    clock = [0.0]
    admission = Admission(1, 1000, 5.0, lambda: clock[0])
    for _ in range(200):
        admission.enter()
        clock[0] += 0.5
        admission.leave(answered=1)
        clock[0] += 100
    assert 4.0 < admission.wait(10) < 5.0


def test_a_mask_keeps_the_shape_alone() -> None:
    assert masked("Aisha's file 42: \u0645\u0631") == "Xxxxx'x xxxx 99: xx"
    assert len(masked("a" * 5000)) == 200


def test_the_access_log_has_a_sample_only_where_it_is_asked_for_and_survives_a_closed_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    for samples in (0.0, 0.5):
        AccessLog.of("stderr", samples)._chance = lambda: 0.1
        log = AccessLog.of("stderr", samples)
        log._chance = lambda: 0.1
        log.write({"status": 200}, ["Secret 1"])
    assert capsys.readouterr().err.splitlines() == ['{"status":200}', '{"status":200,"sample":"Xxxxxx 9"}']

    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError

    log = AccessLog(Closed())  # ty: ignore[invalid-argument-type]
    log.write({"status": 200})
    log.write({"status": 200})


@pytest.mark.parametrize("setting", [{"FALAJ_SERVE_SAMPLES": "0.5"}, {"FALAJ_SERVE_SAMPLES": "many"}, {"FALAJ_SERVE_ACCESS_LOG": "/etc/passwd"}])
def test_a_log_of_too_much_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        from_environment({"FALAJ_RELEASES": "x", **setting})
