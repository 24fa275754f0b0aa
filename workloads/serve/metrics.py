"""Numbers of one server, in Prometheus' text form."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """A registry of its own, so that two servers in one process (tests) do not share numbers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("falaj_requests", "Requests by status code.", ["status"], registry=self.registry)
        self.latency = Histogram(
            "falaj_request_seconds",
            "Time from the whole request to its answer, for requests that were answered 200.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.tokens = Counter("falaj_generated_tokens", "Tokens that were generated.", registry=self.registry)
        self.texts = Counter("falaj_texts", "Texts that were answered.", registry=self.registry)
        self.inflight = Gauge("falaj_requests_in_flight", "Requests that wait or are being answered.", registry=self.registry)
        self.ready = Gauge("falaj_ready", "1 while a verified release is loaded and the server is not draining.", registry=self.registry)
        self.swaps = Gauge("falaj_release_swaps", "Releases that were loaded since the start.", registry=self.registry)
        self.refused = Gauge("falaj_release_refusals", "Times a release was refused or could not be loaded.", registry=self.registry)
        self.log_failures = Gauge("falaj_request_log_failures", "Request log writes that failed.", registry=self.registry)
        self.release = Info("falaj_release", "The release that is being served.", registry=self.registry)

    def page(self) -> bytes:
        return generate_latest(self.registry)
