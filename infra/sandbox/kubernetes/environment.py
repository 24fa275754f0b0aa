"""Command line and environment of a container: references resolved, `$(VAR)` expanded, paths and ports made real."""

from __future__ import annotations

import math
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from falaj.quantity import quantity
from infra.sandbox.kubernetes.kinds import CONFIG_MAP, SECRET, Object, name_of, namespace_of
from infra.sandbox.kubernetes.names import resolver
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.volumes import NotYet, contents, mounts, pod_field, relocate

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Launch:
    """What to run."""

    command: list[str]
    environ: dict[str, str]
    folder: Path


def launch(pod: Object, container: Object, store: Store, settings: Settings, *, folders: dict[str, Path], ports: Mapping[int, int], scratch: Path) -> Launch:
    """How to start `container` here. `ports` maps its container ports to real ones. Raises NotYet where a reference or the image is missing."""
    entry = settings.entry_point(container["image"])
    if entry is None:
        known = ", ".join(sorted(settings.images))
        raise NotYet("ErrImagePull", f"image {container['image']} is not in the process cluster's table: {known}")
    mounted = mounts(container, folders)
    declared = _declared(pod, container, store)
    there = resolver(pod, store, ports)
    real = {name: _real(there(value), mounted, ports) for name, value in declared.items()}
    environ = _base(pod, container, settings, mounted, scratch) | real
    if ports and "PORT" not in environ:
        environ["PORT"] = str(next(iter(ports.values())))
    # Expansion sees what the container declared, as on a cluster; paths and ports are made real afterwards.
    words = [_real(there(expand(word, declared)), mounted, ports) for word in container.get("args") or []]
    command = [_real(there(expand(word, declared)), mounted, ports) for word in container.get("command") or []] or entry
    if command[0] in ("python", "python3"):
        command[0] = sys.executable
    working = container.get("workingDir")
    folder = Path(relocate(working, mounted)) if working else settings.working_folder
    return Launch(command + words, environ, folder if folder.is_dir() else settings.working_folder)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value; unknown names stay as they are and `$$` is a dollar sign."""
    return re.sub(r"\$\$|\$\(([-._A-Za-z0-9]+)\)", lambda found: "$" if found[0] == "$$" else variables.get(found[1], found[0]), text)


def _declared(pod: Object, container: Object, store: Store) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        kind, reference = (CONFIG_MAP, source["configMapRef"]) if source.get("configMapRef") else (SECRET, source["secretRef"])
        holder = _holder(pod, store, kind is SECRET, reference)
        found |= {source.get("prefix", "") + key: value.decode(errors="replace") for key, value in (contents(holder) if holder else {}).items()}
    for variable in container.get("env") or []:
        source = variable.get("valueFrom")
        value = _from(pod, container, store, source) if source else expand(variable.get("value") or "", found)
        if value is not None:
            found[variable["name"]] = value
    return found


def _from(pod: Object, container: Object, store: Store, source: Object) -> str | None:
    if reference := source.get("fieldRef"):
        return pod_field(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return _resource(container, reference)
    secret = source.get("secretKeyRef")
    reference = secret or source["configMapKeyRef"]
    holder = _holder(pod, store, bool(secret), reference)
    data = contents(holder) if holder else {}
    if reference["key"] not in data:
        if reference.get("optional"):
            return None
        raise NotYet(
            "CreateContainerConfigError",
            f"couldn't find key {reference['key']} in {'Secret' if secret else 'ConfigMap'} {namespace_of(pod)}/{reference['name']}",
        )
    return data[reference["key"]].decode(errors="replace")


def _holder(pod: Object, store: Store, secret: bool, reference: Object) -> Object | None:
    kind = SECRET if secret else CONFIG_MAP
    holder = store.find(kind, namespace_of(pod), reference["name"])
    if holder is None and not reference.get("optional"):
        raise NotYet("CreateContainerConfigError", f'{kind.plural[:-1]} "{reference["name"]}" not found')
    return holder


def _resource(container: Object, reference: Object) -> str:
    part, _, name = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    value = (resources.get(part) or {}).get(name) or (resources.get("limits") or {}).get(name) or "0"
    return str(math.ceil(quantity(value) / quantity(reference.get("divisor") or "1")))


def _base(pod: Object, container: Object, settings: Settings, mounted: dict[str, Path], scratch: Path) -> dict[str, str]:
    home, temporary = scratch / "home", mounted.get("/tmp", scratch / "tmp")
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    tools = [
        str(Path(sys.executable).parent),
        *sorted({str(Path(found).parent) for name in ("git", "sh") if (found := shutil.which(name))}),
        "/usr/bin",
        "/bin",
    ]
    found = {
        "PATH": ":".join(dict.fromkeys(tools)),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "HOSTNAME": pod["spec"].get("hostname") or name_of(pod),
        **settings.environ,
    }
    limits = (container.get("resources") or {}).get("limits") or {}
    if "cpu" in limits:
        found |= dict.fromkeys(_THREADS, str(max(1, math.ceil(quantity(limits["cpu"])))))
    if "memory" in limits:  # a container on a cluster reads this from its cgroup
        found["FALAJ_MEMORY_LIMIT"] = str(int(quantity(limits["memory"])))
    return found


def _real(text: str, mounted: dict[str, Path], ports: Mapping[int, int]) -> str:
    if text == "0.0.0.0":  # every pod shares this machine's network: listening beyond loopback would leave it
        return "127.0.0.1"
    found = re.fullmatch(r"(|.*[=:])(\d+)", text)
    if found and int(found[2]) in ports:
        return f"{found[1]}{ports[int(found[2])]}"
    return relocate(text, mounted)
