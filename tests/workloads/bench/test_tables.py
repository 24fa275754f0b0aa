"""The bench's arithmetic and tables: the same numbers as by hand, and figures only where something was measured."""

from __future__ import annotations

from typing import Any

import pytest

from falaj.errors import UsageError
from workloads.bench import calibrate, tables
from workloads.bench.calibrate import Floor, floor
from workloads.bench.contest import report
from workloads.bench.roofline import BASE, Shape, Work, least_seconds, most_tokens
from workloads.bench.rounds import Result
from workloads.machine import Machine, read_machine

INTEL = """processor : 0
model name : Some Xeon
flags : fpu avx2 fma avx512bw avx512vl avx512_vnni avx_vnni amx_tile amx_int8
processor : 1
flags : fpu
"""
ARM = "processor : 0\nFeatures : fp asimd asimddp i8mm bf16\nCPU part : 0xd40\n"


def test_the_shape_counts_the_weights_of_flan_t5_base() -> None:
    assert (BASE.decoder_weights, BASE.encoder_weights) == (123_764_736, 99_090_432)
    assert BASE.cache_bytes(128, 64) == 2 * 2 * 12 * 768 * 160
    small = Shape(width=4, inner=8, heads=2, head_width=3, encoder_layers=1, decoder_layers=2, vocabulary=10)
    assert (small.encoder_weights, small.decoder_weights) == (4 * 24 + 96 + 2 * 2 * 24, 2 * (6 * 24 + 96) + 40)


def test_the_roofline_is_memory_at_one_row_and_arithmetic_at_many() -> None:
    work = Work()
    assert [round(most_tokens(batch, work, gops=918, gigabytes=40)) for batch in (1, 8, 32)] == [272, 1035, 1426]
    encoder = 128 * BASE.encoder_weights * 2 / 918e9
    assert least_seconds(1, work, gops=918, gigabytes=40) == pytest.approx(encoder + 64 * (BASE.decoder_weights + BASE.cache_bytes(128, 64)) / 40e9)
    assert least_seconds(32, work, gops=918, gigabytes=1e6) == pytest.approx(32 * encoder + 64 * 32 * BASE.decoder_weights * 2 / 918e9)


@pytest.mark.parametrize(
    ("cpuinfo", "architecture", "classes"),
    [
        (INTEL, "x86_64", ("amx", "avx512vnni", "avxvnni", "avx2", "plain")),
        (INTEL.replace("amx_int8", "").replace("avx_vnni", ""), "AMD64".lower(), ("avx512vnni", "avx2", "plain")),
        (INTEL.replace("avx512_vnni", ""), "x86_64", ("avxvnni", "avx2", "plain")),
        (ARM, "aarch64", ("i8mm", "dotprod", "plain")),
        (ARM.replace("i8mm", ""), "arm64", ("dotprod", "plain")),
        (ARM, "x86_64", ("plain",)),
        ("", "riscv64", ("plain",)),
    ],
)
def test_the_class_of_a_machine_follows_from_its_instructions(cpuinfo: str, architecture: str, classes: tuple[str, ...]) -> None:
    assert read_machine(cpuinfo, architecture).classes == classes


def test_this_machine_has_a_class() -> None:
    assert read_machine().classes[-1] == "plain"


def test_the_floor_is_the_median_of_each_rounds_best() -> None:
    found = floor([{"read": [1.0, 3.0], "avx2": [5.0]}, {"read": [2.0], "avx2": [9.0]}, {"read": [10.0], "avx2": [7.0]}])
    assert found == Floor(3.0, {"avx2": 7.0})
    assert (Floor(1, {"amx": 9.0, "avx2": 4.0}).vector, Floor(1, {"amx": 9.0, "avx2": 4.0}).best) == (4.0, 9.0)


def test_the_floor_is_measured_by_a_program_that_is_built_here(tmp_path: Any) -> None:
    machine = read_machine()
    try:
        program = calibrate.build(tmp_path)
    except UsageError:
        pytest.skip("no C compiler")
    found = calibrate.sample(program, machine, bytes_read=8 << 20, repeats=1)
    assert set(found) <= {"read", *machine.classes} and found["read"][0] > 0
    assert calibrate.build(tmp_path) == program


def made() -> dict[str, Any]:
    results = [
        Result("falaj native", True, "native", seconds={1: [0.5, 0.4], 8: [1.0]}, peak={1: 512.0, 8: 600.0}, setting={1: {"threads": 2}, 8: {"threads": 2}}),
        Result("falaj onnx", True, "onnx", seconds={1: [0.64], 8: [2.0]}, peak={1: 700.0, 8: 900.0}),
        Result(
            "CTranslate2",
            False,
            "ct2",
            seconds={1: [1.28], 8: [2.56]},
            peak={1: 300.0, 8: 400.0},
            setting={1: {"workers": 1, "environ": {"A": "b"}}, 8: {"workers": 2, "environ": {}}},
        ),
        Result("llama.cpp", False, error="batch 8: it ended with -11", seconds={1: [6.4]}, peak={1: 300.0}),
        Result("OpenVINO", False, error="it does not open | here"),
    ]
    machine = Machine("x86_64", "Some Xeon", frozenset({"avx2", "avx512_vnni"}))
    facts = report(results, Floor(40.0, {"avx512vnni": 918.0}), machine, batches=(1, 8), work=Work(), rounds=2, use=2)
    return {**facts, "date": "2026-01-02", "first_token": {"falaj native": 1.234}, "server_first_token": 1.5, "install": {"megabytes": 201.6}}


def test_the_tables_hold_what_was_measured_and_say_who_failed() -> None:
    assert tables.speed_rows(made()) == [
        ["falaj native", "160 / 142", "512 / 512", "0.54 / 0.63", ""],
        ["falaj onnx", "100 / 100", "256 / 256", "0.73 / 0.94", ""],
        ["CTranslate2", "50 / 50", "200 / 200", "0.31 / 0.42", ""],
        ["llama.cpp", "10 / 10", "-", "0.31", "batch 8: it ended with -11"],
        ["OpenVINO", "failed", "failed", "", "it does not open | here"],
    ]
    assert tables.ratio_rows(made()) == [
        ["1", "160 (falaj native)", "50 (CTranslate2)", "3.20", "272", "0.59", "same", "0.59"],
        ["8", "512 (falaj native)", "200 (CTranslate2)", "2.56", "1035", "0.49", "same", "0.49"],
    ]
    assert tables.fact_rows(made()) == [
        ["memory read, all threads", "40.0 GB/s", ""],
        ["8-bit peak, avx512vnni", "918 GOPS", ""],
        ["memory at batch 8, falaj native", "0.63 GB", "0.6 GB"],
        ["memory at batch 8, falaj onnx", "0.94 GB", "0.6 GB"],
        ["start of the server to the first token over HTTP, release checked", "1.50 s", "2 s"],
        ["start of a process to its first token, falaj native", "1.23 s", ""],
        ["install size of serve (fresh environment, our code included), no torch in it", "202 MB", "250 MB"],
    ]
    assert tables.setting_rows(made())[:3:2] == [
        ["falaj native", "native", "1 and 8: its own"],
        ["CTranslate2", "ct2", "1: workers=1, A=b; 8: workers=2"],
    ]


def test_without_peers_there_is_no_ratio() -> None:
    alone = made()
    alone["results"] = alone["results"][:1]
    assert [row[2:4] for row in tables.ratio_rows(alone)] == [["-", "-"], ["-", "-"]]


def test_the_document_names_machine_and_date_and_takes_only_its_place() -> None:
    text = tables.document(made())
    assert text.startswith("Measured on 2026-01-02, 2 cores of Some Xeon (avx512_vnni, avx2); 2 rounds")
    assert "| falaj native | 160 / 142 | 512 / 512 | 0.54 / 0.63 |" in text and "it does not open \\| here" in text
    page = f"before\n{tables.BEGIN.format('serve')}\nold\n{tables.END.format('serve')}\nafter\n"
    placed = tables.placed(page, "serve", text)
    assert placed == page.replace("old", text) and tables.placed(placed, "serve", "old") == page
    for wrong in ("nothing", page.replace("end", "no")):
        with pytest.raises(ValueError, match="there is no place"):
            tables.placed(wrong, "serve", text)
