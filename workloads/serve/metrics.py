"""Numbers of one server, in Prometheus' text form."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Metric, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Tally(Collector):
    """A histogram that takes many observations at once: there is one for every token and step."""

    def __init__(self, name: str, help: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._help, self._bounds = name, help, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def add(self, values: Iterable[float]) -> None:
        """Observe each of `values` once."""
        for value in values:
            self.times(value, 1)

    def times(self, value: float, count: int) -> None:
        """Observe `value` `count` times."""
        self._counts[bisect.bisect_left(self._bounds, value)] += count
        self._sum += value * count

    def describe(self) -> list[Metric]:
        return [HistogramMetricFamily(self._name, self._help)]

    def collect(self) -> Iterator[Metric]:
        total, buckets = 0, []
        for bound, count in zip((*map(float, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((str(bound), float(total)))
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=self._sum)


class Metrics:
    """A registry of its own, so that two servers in one process (tests) do not share numbers."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter("falaj_requests", "Requests by status code.", ["status"], registry=own)
        self.latency = Histogram(
            "falaj_request_seconds", "Time from the whole request to its answer, for requests that were answered 200.", buckets=_SECONDS, registry=own
        )
        self.tokens = Counter("falaj_generated_tokens", "Tokens that were generated.", registry=own)
        self.read_tokens = Counter("falaj_read_tokens", "Tokens of texts that were read by the model.", registry=own)
        self.texts = Counter("falaj_texts", "Texts that were answered.", registry=own)
        self.inflight = Gauge("falaj_requests_in_flight", "Requests that wait or are being answered.", registry=own)
        self.waiting = Gauge("falaj_texts_waiting", "Texts that wait for a slot.", ["side"], registry=own)
        self.running = Gauge("falaj_texts_running", "Texts that are being answered.", ["side"], registry=own)
        self.slots = Gauge("falaj_slots_used", "Slots of the engine that are taken; a beam takes one.", ["side"], registry=own)
        self.kv = Gauge("falaj_kv_tokens", "Tokens of key-value memory that are promised to those who are being answered.", ["side"], registry=own)
        self.waited = Histogram("falaj_queue_seconds", "Time a text waited for a slot.", buckets=(0.001, 0.005, *_SECONDS), registry=own)
        self.first = Histogram("falaj_first_token_seconds", "Time from a text's arrival at the worker to its first token.", buckets=_SECONDS, registry=own)
        self.gaps = Tally("falaj_token_seconds", "Time between one token of a text and the next.", _GAPS, own)
        self.batch = Tally("falaj_batch_rows", "Rows in one step of the engine.", _ROWS, own)
        self.turned_away = Counter("falaj_admissions_refused", "Requests that were not let in, by reason.", ["reason"], registry=own)
        self.restarts = Gauge("falaj_worker_restarts", "Workers that died and were started again.", registry=own)
        self.cache = Counter("falaj_cache_lookups", "Texts that were looked up among answers given before.", ["found"], registry=own)
        self.cache_bytes = Gauge("falaj_cache_bytes", "Memory of answers that are kept.", registry=own)
        self.shadow = Counter("falaj_shadow_answers", "Answers of the shadow, compared with those that were given.", ["result"], registry=own)
        self.shadow_prefix = Gauge("falaj_shadow_prefix", "Mean share of tokens before the shadow's answer first differs.", registry=own)
        self.jobs = Gauge("falaj_jobs", "Jobs in the store, by state.", ["state"], registry=own)
        self.jobs_problem = Gauge("falaj_jobs_problem", "1 while the store of jobs cannot be reached.", registry=own)
        self.left = Counter("falaj_clients_left", "Requests whose client left before the answer.", registry=own)
        self.ready = Gauge("falaj_ready", "1 while a verified release is loaded and the server is not draining.", registry=own)
        self.swaps = Gauge("falaj_release_swaps", "Releases that were loaded since the start.", registry=own)
        self.refused = Gauge("falaj_release_refusals", "Times a release was refused or could not be loaded.", registry=own)
        self.log_failures = Gauge("falaj_request_log_failures", "Request log writes that failed.", registry=own)
        self.release = Info("falaj_release", "The release that is being served.", registry=own)

    def page(self) -> bytes:
        return generate_latest(self.registry)
