"""A small signed release in a folder, as a server of the real image takes it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.workloads.small import tiny_model
from tests.workloads.worlds import measure_nothing
from workloads.release import POINTER, seal, signing_key_file
from workloads.store import Store


def release(place: Path, scratch: Path) -> Path:
    """Seal a tiny model in the native engine's form and point the store at `place` to it. Returns the public key that it is signed with."""
    from transformers import T5ForConditionalGeneration

    from workloads.engine import graphs, weights

    source = tiny_model(scratch / "torch")
    torch_model = T5ForConditionalGeneration.from_pretrained(source).float().eval()
    folder = weights.write(torch_model, source / "tokenizer.json", scratch / "v1" / "model", kind="f32", input_tokens=64, target_tokens=8)
    graphs.write(folder)
    document = {"version": "v1", "candidate": "sha256:1", "run": "run-v1", "parent": None, "profile": measure_nothing(scratch, scratch)}
    sealed = seal(scratch / "v1", document, signing_key_file())
    store = Store.open(place)
    store.put_folder(scratch / "v1", "v1", last="release.json")
    store.put_json(POINTER, {"version": "v1", "previous": None, "digest": sealed.digest})
    return Path(shutil.copy(signing_key_file().with_name("release.pub.pem"), place / "release.pub.pem"))
