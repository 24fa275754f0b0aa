"""Answers that were given before: kept by release, text and controls, for requests whose answer cannot differ.

A key names the release's digest, so a new release starts with nothing, and its client, so that nobody learns from the time
an answer takes what somebody else has asked. Texts are not kept, only the digest of them; answers are, in memory alone.
"""

from __future__ import annotations

from collections import OrderedDict

from falaj.canonical import digest_bytes
from workloads.serve.requests import Answer, Ask

_ENTRY_BYTES = 400
"""What an entry takes beside its text and tokens: the dictionary's node, the key, the answer's own fields."""


class ResultCache:
    """Answers by key, the ones used longest ago forgotten first. Used from one thread."""

    def __init__(self, bytes_limit: int) -> None:
        """`bytes_limit` is about what the entries may take in memory; 0 keeps nothing."""
        self._limit = bytes_limit
        self._entries: OrderedDict[str, tuple[Answer, int]] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str | None) -> Answer | None:
        """The answer kept under `key`; None where there is none, or the key is None."""
        if key is None:
            return None
        found = self._entries.get(key)
        if found is None:
            self.misses += 1
            return None
        self._entries.move_to_end(key)
        self.hits += 1
        return found[0]

    def put(self, key: str | None, answer: Answer) -> None:
        """Keep `answer`; an answer larger than a quarter of the limit is not worth what it would push out."""
        size = _ENTRY_BYTES + 4 * len(answer.text) + 36 * len(answer.ids)
        if key is None or size * 4 > self._limit:
            return
        self._drop(key)
        while self.bytes + size > self._limit:
            self._drop(next(iter(self._entries)))
        self._entries[key] = (answer, size)
        self.bytes += size

    def _drop(self, key: str) -> None:
        _, size = self._entries.pop(key, (None, 0))
        self.bytes -= size


def key_of(release_digest: str, ask: Ask) -> str | None:
    """What `ask` is kept under; None where the same ask may be answered differently: sampled without a seed."""
    controls = ask.controls
    if controls.temperature > 0 and controls.seed is None:
        return None
    # repr keeps every float and string exactly, half a character included, which JSON would refuse.
    return digest_bytes(repr((release_digest, ask.client, ask.text, controls)).encode())
