"""The data set under DVC: a pointer file of a few bytes in the artifact, the data itself in a remote bucket or folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

from falaj.errors import Fault, UsageError
from falaj.files import write_durably

POINTER = "dataset.dvc"
_DATASET = "dataset"


def remote() -> str | None:
    """Where DVC keeps data: FALAJ_DATA_REMOTE (a folder or s3://...), else the bucket FALAJ_DATA_BUCKET, else nowhere."""
    named = os.environ.get("FALAJ_DATA_REMOTE")
    if named:
        return named
    bucket = os.environ.get("FALAJ_DATA_BUCKET")
    return f"s3://{bucket}/dvc" if bucket else None


def track(files: Sequence[Path], repository: Path, where: str) -> str:
    """Put `files` under DVC in `repository` (made here, outside of git) and push them to `where`.

    Returns the text of the pointer, which names the content by hash: `restore` needs that and the remote, nothing else. Raises Fault
    when the remote cannot be written.
    """
    dataset = repository / _DATASET
    shutil.rmtree(dataset, ignore_errors=True)
    dataset.mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, dataset / path.name)
    repo = _repository(repository, where)
    with repo, chdir(repository):
        try:
            repo.add(_DATASET)
            repo.push([POINTER])
        except Exception as problem:  # DVC lets through what each remote's library raises
            raise _unreachable(where, problem) from problem
    return (repository / POINTER).read_text(encoding="utf-8")


def restore(pointer: str, repository: Path, where: str) -> Path:
    """The folder with the data that `pointer` names, fetched from `where`. Raises UsageError when the remote does not hold it."""
    repo = _repository(repository, where)
    write_durably(repository / POINTER, pointer.encode())
    with repo, chdir(repository):
        try:
            repo.pull([POINTER], force=True)
        except Exception as problem:  # see above
            raise UsageError("the data set could not be restored", given=where, why=str(problem), next="name the remote that it was pushed to") from problem
    return repository / _DATASET


def _repository(folder: Path, where: str):  # noqa: ANN202  DVC has no types
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    # What DVC keeps to be quicker. Its own place is one that all users of a machine share, and that is not there on a root that nobody writes to.
    os.environ["DVC_SITE_CACHE_DIR"] = str(folder / ".dvc" / "site")
    from dvc.repo import Repo

    folder.mkdir(parents=True, exist_ok=True)
    alone = {"no_scm": True}
    repo = Repo(str(folder), config={"core": alone}) if (folder / ".dvc").is_dir() else Repo.init(str(folder), no_scm=True)
    with repo.config.edit("repo") as config:
        config["core"] = {"remote": "store", "analytics": False, "autostage": False, **alone}
        config["remote"] = {"store": {"url": where, **_s3_options(where)}}
    return repo


def _s3_options(where: str) -> dict[str, str]:
    if not where.startswith("s3://"):
        return {}
    options = {"endpointurl": os.environ.get("AWS_ENDPOINT_URL", ""), "region": os.environ.get("AWS_REGION", "")}
    return {name: value for name, value in options.items() if value}


def _unreachable(where: str, problem: Exception) -> Fault:
    return Fault(
        "the data set could not be pushed to its remote",
        given=where,
        why=f"{type(problem).__name__}: {problem}",
        next="make the remote reachable and run the same command again; unset FALAJ_DATA_BUCKET to work without one",
    )
