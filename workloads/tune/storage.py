"""Where the trials of a study are kept: a PostgreSQL database that many machines share, or a SQLite file for the workers of one machine.

Optuna keeps the trials; this file adds what its storages lack: a lock under which one worker at a time decides what is next, patience with a
database that is away for a moment, and errors that a person can act on.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from falaj.errors import Fault, UsageError
from falaj.files import lock

VARIABLE, FILE_VARIABLE = "FALAJ_TUNE_STORAGE", "FALAJ_TUNE_STORAGE_FILE"
T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Seconds: between two signs of life, until a silent worker counts as dead, and for which a database may be away."""

    beat: int = 10
    grace: int = 60
    patience: int = 120

    @staticmethod
    def of(environ: Mapping[str, str]) -> Timing:
        """What FALAJ_TUNE_BEAT, FALAJ_TUNE_GRACE and FALAJ_TUNE_PATIENCE say. Raises UsageError for what they cannot mean."""
        found = {}
        for name in ("beat", "grace", "patience"):
            if told := environ.get(variable := f"FALAJ_TUNE_{name.upper()}"):
                if not re.fullmatch(r"[1-9]\d{0,5}", told):
                    raise UsageError("not a number of seconds", given=f"{variable}={told}", allowed="1 to 999999")
                found[name] = int(told)
        timing = Timing(**found)
        if timing.grace < 2 * timing.beat:
            raise UsageError(
                "a worker would be taken for dead between two signs of life",
                given=f"a sign every {timing.beat} s, dead after {timing.grace} s",
                allowed=f"{2 * timing.beat} s or more",
                next="raise FALAJ_TUNE_GRACE, or lower FALAJ_TUNE_BEAT",
            )
        return timing


def told(environ: Mapping[str, str]) -> str | None:
    """The database's address: FALAJ_TUNE_STORAGE, or the content of the file that FALAJ_TUNE_STORAGE_FILE names, as a Secret is mounted; None for neither.

    Raises UsageError for both, and for a file that cannot be read or holds nothing.
    """
    plain, file = environ.get(VARIABLE), environ.get(FILE_VARIABLE)
    if plain and file:
        raise UsageError("two places say where studies are kept", given=f"{VARIABLE} and {FILE_VARIABLE}", allowed="one of them", next=f"unset {VARIABLE}")
    if not file:
        return plain or None
    try:
        found = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(
            "the file with the database's address cannot be read",
            given=f"{FILE_VARIABLE}={file}",
            why=getattr(problem, "strerror", None) or "it is no text",
            next="on a cluster: the Secret that tune.secret names, key url",
        ) from problem
    if not found:
        raise UsageError("the file with the database's address is empty", given=f"{FILE_VARIABLE}={file}", allowed="postgresql://...")
    return found


def address(told: str | None, folder: Path) -> str:
    """SQLAlchemy's address of the database that `told` names, a SQLite file in `folder` where it names none. Raises UsageError for other databases."""
    if not told:
        return f"sqlite:///{folder.absolute() / 'study.db'}"
    scheme, _, rest = told.partition("://")
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return f"sqlite:///{Path(rest[1:]).absolute()}"
    raise UsageError(
        "a study cannot be kept there",
        given=f"{VARIABLE}={shown(told)}",
        allowed="postgresql://..., sqlite:///FILE, or nothing for a file beside the study",
        why="workers on several machines need one database that locks; only PostgreSQL is tested",
    )


def shown(url: str) -> str:
    """`url` without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", re.sub(r"(password=)[^&]*", r"\1***", url))


class Unreachable(Fault):
    """The database of a study did not answer for too long."""


class Storage:
    """The database of a study, as Optuna uses it (`trials`), and its lock."""

    def __init__(self, url: str, name: str, timing: Timing) -> None:
        """Opens it, and makes what is missing. Raises Unreachable where the database cannot be reached or used."""
        import sqlalchemy.exc

        self.url, self.timing, self._name = url, timing, name
        self._file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise self._fault(problem) from problem
        # SQLite's writers wait for each other; PostgreSQL's connections are tried before they are used, since a restart ends them all.
        self._settings: dict[str, Any] = {"connect_args": {"timeout": 60} if self._file else {"connect_timeout": 10}, "pool_pre_ping": not self._file}
        self._engine = sqlalchemy.create_engine(url, **self._settings)
        try:
            # Workers that start at once would make the tables at once.
            with self.alone("tables"):
                self.trials = self._opened()
        except (sqlalchemy.exc.SQLAlchemyError, OSError, RuntimeError) as problem:
            raise self._fault(problem) from problem

    def _opened(self) -> Any:
        import optuna

        quiet()
        return optuna.storages.RDBStorage(self.url, engine_kwargs=dict(self._settings), heartbeat_interval=self.timing.beat, grace_period=self.timing.grace)

    @contextlib.contextmanager
    def alone(self, what: str = "trials") -> Generator[None]:
        """Hold the study's lock of that name. It is freed with the process or the connection that holds it."""
        if self._file is not None:
            with lock(self._file.with_name(f".{self._file.name}.{what}.lock"), what=f"study {self._name}", patience=float(self.timing.patience)):
                yield
            return
        import sqlalchemy

        # The tables are all studies' own. A lock of the transaction works through a pooler too.
        key = "falaj/tables" if what == "tables" else f"falaj/{self._name}/{what}"
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
        with self._engine.begin() as connection:
            connection.execute(sqlalchemy.text("select pg_advisory_xact_lock(:number)"), {"number": number})
            yield

    def patiently(self, work: Callable[[], T]) -> T:
        """What `work` gives; it is done again while the database does not answer. Raises Unreachable where that takes longer than the patience."""
        import optuna
        import sqlalchemy.exc

        deadline = time.monotonic() + self.timing.patience
        while True:
            try:
                return work()
            except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.DBAPIError) as problem:
                if time.monotonic() > deadline:
                    raise self._fault(problem) from problem
                time.sleep(min(1.0, self.timing.beat))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        self.trials.engine.dispose()

    def _fault(self, problem: BaseException) -> Unreachable:
        root = problem.__cause__ or problem
        return Unreachable(
            "the study's database cannot be used",
            given=shown(self.url),
            why=f"{type(root).__name__}: {shown(str(root)).strip().splitlines()[0] if str(root).strip() else ''}",
            next=f"start it or correct {VARIABLE}, and run the same command again: trials that ended are kept, those that ran are taken over",
        )


@contextlib.contextmanager
def beating(storage: Storage, trial_id: int) -> Generator[None]:
    """Give a sign of life for a trial while the block runs. A database that is away is no reason to stop: it may be back in time."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(storage.timing.beat):
            with contextlib.suppress(Exception):
                storage.trials.record_heartbeat(trial_id)

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(storage.timing.beat)


def quiet() -> None:
    """Let Optuna say what went wrong and nothing else: it warns of each use of what it calls experimental, such as signs of life."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", module=r"optuna\..*|workloads\.tune\..*")
