"""`falaj bench data`: a million rows through the prepare stage, and how often cleaning takes what is no personal data for some."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.files import read_json

ROWS, QUICK = 1_000_000, 20_000
GOAL_MIB = 1536
_PERSONAL = ("write to someone@example.ae", "call 0501234567", "ID 784-1985-1234567-3", "pay to AE070331234567890123456", "هاتف ٠٥٠١٢٣٤٥٦٧")
_ARABIC = ("أداة", "تقرأ", "ملفات", "المجلد", "وتكتب", "ما", "وجدته", "في", "جدول", "يمكن", "للبرامج", "الأخرى", "قراءته", "دون", "تعرف", "من", "أين")


def rows(number: int, *, seed: int = 0) -> Iterator[dict[str, str]]:
    """Made-up tickets with the words of Debian's descriptions: 20 to 60 words; a few in Arabic, with personal data, twice, or empty."""
    from workloads.data import debian
    from workloads.data.rows import Quarantine

    chance = random.Random(seed)
    words = [word for package in debian.from_sample(Quarantine())[0] for word in package.description.split()]
    last: dict[str, str] = {"source": "a first ticket", "target": "open"}
    for n in range(number):
        kind = chance.random()
        if kind < 0.02:
            yield last
            continue
        text = chance.choices(_ARABIC if kind > 0.95 else words, k=chance.randint(20, 60))
        if kind < 0.05:
            text.insert(chance.randrange(len(text)), chance.choice(_PERSONAL))
        last = {"source": "" if 0.05 <= kind < 0.051 else " ".join(text), "target": chance.choice(("open", "closed", "waiting")), "group": f"customer {n // 3}"}
        yield last


def run(number: int = ROWS) -> dict[str, Any]:
    """Time and peak memory of the prepare stage over `number` rows, as a process of its own; and false masks on Debian's descriptions."""
    from infra.cli.bench import measure

    with tempfile.TemporaryDirectory(prefix="falaj-bench-data-") as folder:
        path = Path(folder) / "tickets.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(number))
        size, found = path.stat().st_size, digest_file(path)
        command = [sys.executable, "-m", "workloads", "prepare", "--run", "bench", "--recipe", "smoke", "--data", str(path)]
        environ = {"FALAJ_WORK": folder, "FALAJ_DATA_BUCKET": "", "FALAJ_DATA_REMOTE": "", "FALAJ_PARAMS": str(_read_all(Path(folder)))}
        figure = measure(f"{number:,} rows through prepare", command, runs=1, environ=environ)
        prepared = Path(folder) / "runs" / "bench" / "prepare"
        report = read_json(prepared / "report.json", what="report", next="")
        written = sum(file.stat().st_size for file in prepared.rglob("*") if file.is_file())
        shutil.rmtree(prepared)
    return {
        "rows": number,
        "input_bytes": size,
        "input": found,
        "written_bytes": written,
        "seconds": round(figure.seconds, 1),
        "mebibytes": round(figure.mebibytes),
        "goal_mebibytes": GOAL_MIB,
        "used": report["used"],
        "put_aside": report["put_aside"],
        "masked": report["personal_data"]["found"],
        "debian": false_masks(),
    }


def _read_all(folder: Path) -> Path:
    """Parameters that let the few Arabic tickets pass, which the platform's small model cannot read."""
    from workloads.tokens.limits import read_limits

    path = folder / "params.yaml"
    path.write_text(json.dumps({"tokens": read_limits().model_dump() | {"most_unknown": 1.0}}), encoding="utf-8")
    return path


def false_masks() -> dict[str, int]:
    """Texts of the Debian sample, which names no address by intent, and how many of them would be masked."""
    from workloads.data import debian
    from workloads.data.clean.pii import Scanner
    from workloads.data.rows import Quarantine

    scanner = Scanner()
    texts = [text for package in debian.from_sample(Quarantine())[0] for text in (package.name, package.synopsis, package.description)]
    return {"texts": len(texts), "masked": sum(bool(scanner.find(text)) for text in texts)}


def table_of(result: dict[str, Any]) -> list[list[str]]:
    """The rows of the table that a person reads."""
    debian = result["debian"]
    return [
        ["rows", f"{result['rows']:,}", f"{result['input_bytes'] / 1e6:.0f} MB"],
        ["time", f"{result['seconds']:.0f} s", f"{result['rows'] / result['seconds']:,.0f} rows a second"],
        ["peak memory", f"{result['mebibytes']:,} MiB", f"goal < {result['goal_mebibytes']:,} MiB"],
        ["used", f"{result['used']:,}", ""],
        *([f"put aside: {reason}", f"{number:,}", ""] for reason, number in result["put_aside"].items()),
        *([f"masked: {kind}", f"{number:,}", ""] for kind, number in result["masked"].items()),
        ["false masks", f"{debian['masked']}", f"of {debian['texts']:,} texts of the Debian sample"],
    ]
