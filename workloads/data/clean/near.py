"""Nearly the same texts, found without comparing each with each: one-permutation MinHash, banded, then checked on the texts themselves.

A text is the set of its three-word shingles; similarity is Jaccard's. A signature costs one pass over the shingles, not one per
permutation (Li, Owen and Zhang 2012; empty bins are filled as in Shrivastava 2017), and all signatures together are one array: 256
bytes a text, where dictionaries of `datasketch` take some kilobytes. A pair counts only if its exact similarity reaches the threshold.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

BINS = 64
BANDS = 16
"""Four bins a band: two texts of similarity 0.85 meet in one of them with probability 0.99999, of 0.5 with 0.64."""
_SHINGLE = 3
_BACK = 8
"""Texts that one is compared with, in a bucket and by itself."""
_AT_ONCE = 200_000
_CROSSED, _CROSSED_AT_ONCE = 256, 500
"""Most rows of another set that one is compared with in a bucket, and rows that are worked on together."""
_WORD = re.compile(r"[^\W\d_]+")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.uint32(0xFFFFFFFF)


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """The 64 bins of each text, as (texts, 64)."""
    found, rows = _hashed(texts)
    bins = np.full(len(texts) * BINS, _EMPTY, dtype=np.uint32)
    places = rows * BINS + (found >> np.uint64(58)).astype(np.intp)
    np.minimum.at(bins, places, (found & np.uint64(0xFFFFFFFE)).astype(np.uint32))
    bins = bins.reshape(len(texts), BINS)
    full = bins != _EMPTY
    # An empty bin takes the value of the first full one in an order of its own, so that nearly equal sets still give nearly equal bins.
    row, place = np.nonzero(~full)
    if len(row):
        probes = _PROBES[place]
        chosen = probes[np.arange(len(row)), full[row[:, None], probes].argmax(axis=1)]
        bins[row, place] = bins[row, chosen]
    return bins


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the shingles of two texts."""
    a, b = _shingles(one), _shingles(other)
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)


def pairs(marks: NDArray[np.uint32], threshold: float) -> NDArray[np.int64]:
    """Pairs of rows (i, j), i < j, of the signatures `marks` that share a band and may be as similar as `threshold`, and how many bins they
    share, as (pairs, 3).

    In a bucket each text is paired with the eight before it: whoever resembles a text that is gone meets the one that stayed for it.
    """
    width, found = BINS // BANDS, np.zeros(0, dtype=np.uint64)
    # Of pairs of that similarity fewer than one in a hundred shares fewer bins; the texts themselves decide later.
    enough = int((threshold - 0.12) * BINS)
    for band in range(BANDS):
        mixed = _keys(marks, band, width)
        order = np.argsort(mixed, kind="stable")
        ordered = mixed[order]
        for back in range(1, _BACK + 1):
            at = np.flatnonzero(ordered[back:] == ordered[:-back])
            for start in range(0, len(at), _AT_ONCE):
                some = at[start : start + _AT_ONCE]
                one, other = order[some], order[some + back]
                alike = np.count_nonzero(marks[one] == marks[other], axis=1) >= enough
                found = np.union1d(found, (other[alike].astype(np.uint64) << np.uint64(32)) | one[alike].astype(np.uint64))
    both = np.stack([found & np.uint64(0xFFFFFFFF), found >> np.uint64(32)], axis=1).astype(np.int64)
    shared = [
        np.count_nonzero(marks[both[start : start + _AT_ONCE, 0]] == marks[both[start : start + _AT_ONCE, 1]], axis=1)
        for start in range(0, len(both), _AT_ONCE)
    ]
    return np.column_stack([both, np.concatenate(shared) if shared else np.zeros(0, dtype=np.int64)])


def across(known: NDArray[np.uint32], marks: NDArray[np.uint32], threshold: float) -> NDArray[np.int64]:
    """Pairs (row of `known`, row of `marks`) of signatures that share a band and may be as similar as `threshold`, and how many bins they share, as
    (pairs, 3), ordered by the row of `marks` and the most shared bins first.

    Each of `marks` is compared with up to 256 in a bucket and band, whatever the others of `marks` are: nobody stands for anybody else here.
    """
    width, enough = BINS // BANDS, int((threshold - 0.12) * BINS)
    found = np.zeros(0, dtype=np.uint64)
    for band in range(BANDS):
        theirs, ours = _keys(known, band, width), _keys(marks, band, width)
        order = np.argsort(theirs, kind="stable")
        ordered = theirs[order]
        first = np.searchsorted(ordered, ours, side="left")
        sizes = np.minimum(np.searchsorted(ordered, ours, side="right") - first, _CROSSED)
        for start in range(0, len(marks), _CROSSED_AT_ONCE):
            part = sizes[start : start + _CROSSED_AT_ONCE]
            other = np.repeat(np.arange(start, start + len(part)), part)
            inside = np.arange(len(other)) - np.repeat(np.cumsum(part) - part, part)
            one = order[first[other] + inside]
            alike = np.count_nonzero(known[one] == marks[other], axis=1) >= enough
            found = np.union1d(found, (other[alike].astype(np.uint64) << np.uint64(32)) | one[alike].astype(np.uint64))
    one, other = (found & np.uint64(0xFFFFFFFF)).astype(np.int64), (found >> np.uint64(32)).astype(np.int64)
    shared = np.count_nonzero(known[one] == marks[other], axis=1)
    best = np.lexsort((one, -shared, other))
    return np.column_stack([one, other, shared])[best]


def _keys(marks: NDArray[np.uint32], band: int, width: int) -> NDArray[np.uint64]:
    """The bins of a band, as one number for each row."""
    pair = np.ascontiguousarray(marks[:, band * width : (band + 1) * width]).view(np.uint64)
    return (pair[:, 0] * _MIX) ^ pair[:, 1]


def losers(
    near: NDArray[np.int64],
    rank: NDArray[np.int64],
    texts: Callable[[Sequence[int]], Sequence[str]],
    threshold: float,
    may_lose: Callable[[int, int], bool],
) -> dict[int, int]:
    """Row -> the row of lower rank that stays in its place. `texts` gives texts by row; `may_lose(stays, goes)` says who may take whose place.

    A row loses only to one that stays itself and is as similar as that, so that chains of small steps do not eat a whole set. It is
    compared with the eight that seem closest: whoever has more neighbours than that was made from a template.
    """
    swapped = rank[near[:, 0]] > rank[near[:, 1]]
    stays, goes = np.where(swapped, near[:, 1], near[:, 0]), np.where(swapped, near[:, 0], near[:, 1])
    order = np.lexsort((rank[stays], -near[:, 2], rank[goes]))
    gone: dict[int, int] = {}
    last, tries = -1, 0
    for one, other in zip(stays[order].tolist(), goes[order].tolist(), strict=True):
        last, tries = other, tries + 1 if other == last else 0
        if other in gone or tries >= _BACK:
            continue
        one = gone.get(one, one)
        if may_lose(one, other):
            mine, before = texts([other, one])
            if similarity(mine, before) >= threshold:
                gone[other] = one
    return gone


def _shingles(text: str) -> NDArray[np.uint64]:
    """Hashes of the three-word shingles of a text, each once, without case, digits and punctuation; one at least."""
    return np.unique(_hashed([text])[0])


def _hashed(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """The shingles of all texts one after the other, and the number of the text that each is from."""
    crc = zlib.crc32
    words: list[int] = []
    lengths: list[int] = []
    for text in texts:
        own = [crc(word.encode("utf-8", "surrogatepass")) for word in _WORD.findall(text.lower())] or [crc(text.encode("utf-8", "surrogatepass"))]
        own += [0] * (_SHINGLE - len(own))
        words += own
        lengths.append(len(own))
    hashed, last = np.array(words, dtype=np.uint64), len(words) - _SHINGLE + 1
    mixed = hashed[:last]
    with np.errstate(over="ignore"):
        for shift in range(1, _SHINGLE):
            mixed = (mixed * _MIX) ^ (mixed >> np.uint64(29)) ^ hashed[shift : last + shift]
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX
        mixed ^= mixed >> np.uint64(31)
    rows = np.repeat(np.arange(len(texts)), lengths)
    inside = rows[:last] == rows[_SHINGLE - 1 :]
    return mixed[inside], rows[:last][inside]


_PROBES = np.array([np.random.default_rng(place).permutation(BINS) for place in range(BINS)])
