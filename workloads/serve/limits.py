"""Token buckets: how many requests and generated tokens a client may take per minute, with a burst of one minute's worth.

Only a monotonic clock counts here, so a jump of the wall clock gives nobody anything. A client that is not remembered is
one whose buckets are full: forgetting such a client changes nothing, and no other is ever forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from workloads.serve.auth import Client
from workloads.serve.requests import Refusal

MOST_CLIENTS = 10_000
_MINUTE = 60.0
_ROUNDING = 1e-6
"""Of a bucket: who has waited as long as told is not refused for the last bit of a float."""


@dataclass
class _Bucket:
    requests: float
    tokens: float
    at: float


class Limiter:
    """The buckets of all clients. Used from one thread; `now` is of `time.monotonic`."""

    def __init__(self, *, most_clients: int = MOST_CLIENTS) -> None:
        self._most = most_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        """The one used longest ago is first."""

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: Client, *, requests: int = 1, tokens: int, now: float) -> None:
        """Take `requests` and `tokens` from the client's buckets, both or neither.

        Raises Refusal 422 for what no waiting would allow, 429 with the seconds until it would be, 503 when too many
        clients are active at once.
        """
        limits = client.limits
        if limits.tokens_per_request is not None and tokens > limits.tokens_per_request * requests:
            raise _never(f"{tokens} tokens in {requests} answers", f"{limits.tokens_per_request} tokens for each answer")
        if limits.requests_per_minute is None and limits.tokens_per_minute is None:
            return
        for given, most, unit in ((requests, limits.requests_per_minute, "requests"), (tokens, limits.tokens_per_minute, "tokens")):
            if most is not None and given > most:
                raise _never(f"{given} {unit} at once", f"{most} {unit} per minute")
        bucket = self._bucket(client, now)
        waits = [
            (needed - held) * _MINUTE / most
            for needed, held, most in ((requests, bucket.requests, limits.requests_per_minute), (tokens, bucket.tokens, limits.tokens_per_minute))
            if most is not None and needed > held + _ROUNDING
        ]
        if waits:
            allowed = [
                f"{most} {unit} per minute"
                for most, unit in ((limits.requests_per_minute, "requests"), (limits.tokens_per_minute, "tokens"))
                if most is not None
            ]
            raise Refusal(429, "rate_limited", "this client asks more than its limits allow", " and ".join(allowed), retry_after=max(waits))
        bucket.requests -= requests
        bucket.tokens -= tokens

    def give_back(self, client: Client, tokens: int, now: float) -> None:
        """Return tokens that were taken and not generated."""
        most = client.limits.tokens_per_minute
        if most is not None and client.name in self._buckets and tokens > 0:
            bucket = self._bucket(client, now)
            bucket.tokens = min(float(most), bucket.tokens + tokens)

    def _bucket(self, client: Client, now: float) -> _Bucket:
        limits = client.limits
        most_requests, most_tokens = float(limits.requests_per_minute or 0), float(limits.tokens_per_minute or 0)
        bucket = self._buckets.get(client.name)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[client.name] = _Bucket(most_requests, most_tokens, now)
            return bucket
        self._buckets.move_to_end(client.name)
        passed = max(0.0, now - bucket.at) / _MINUTE
        # Lowered limits count at once, raised ones as they fill.
        bucket.requests = min(most_requests, bucket.requests + passed * most_requests)
        bucket.tokens = min(most_tokens, bucket.tokens + passed * most_tokens)
        bucket.at = max(bucket.at, now)
        return bucket

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < self._most:
            return
        oldest = next(iter(self._buckets.values()))
        # Unused for a minute means full again.
        if now - oldest.at < _MINUTE:
            raise Refusal(503, "too_many_clients", "too many clients are active at once", retry_after=_MINUTE - (now - oldest.at))
        self._buckets.popitem(last=False)


def _never(given: str, allowed: str) -> Refusal:
    return Refusal(422, "over_client_limit", "this client may never ask that much at once", allowed, given=given)
