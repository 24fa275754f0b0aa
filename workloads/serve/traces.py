"""OpenTelemetry traces, only where the OTEL_* environment asks for them. A caller's `traceparent` is taken over; no text is in a span."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def trace_of(header: str | None) -> str | None:
    """The trace id of a W3C `traceparent`; None for none, or one that is not valid."""
    found = _PARENT.fullmatch(header or "")
    if not found or header is None or header.startswith("ff") or not int(found[1], 16) or not int(found[2], 16):
        return None
    return found[1]


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a place for traces, by the variables of OpenTelemetry's own specification."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))


class Traces:
    """Records finished requests as spans; does nothing where no exporter is given."""

    def __init__(self, provider: Any = None) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("falaj.serve") if provider else None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Traces:
        """An exporter to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names; the libraries are imported only then."""
        if not wanted(environ):
            return cls()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(resource=Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or "falaj-serve"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    def record(self, name: str, headers: Mapping[str, str], facts: Mapping[str, Any], seconds: float) -> None:
        """A span of a request that ended now after `seconds`, with one inside it for the wait and one for the answer where they are known."""
        if self._tracer is None:
            return
        from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        end = time.time_ns()
        begin = end - int(seconds * 1e9)
        carrier = {key: headers[key] for key in ("traceparent", "tracestate") if key in headers}
        context = TraceContextTextMapPropagator().extract(carrier)
        span = self._tracer.start_span(name, context=context, kind=SpanKind.SERVER, start_time=begin)
        for key, value in facts.items():
            if isinstance(value, str | int | float | bool):
                span.set_attribute(_NAMES.get(key, f"falaj.{key}"), value)
        if int(facts.get("status", 200)) >= 500:
            span.set_status(StatusCode.ERROR)
        if "waited" in facts:
            inside, waited = set_span_in_context(span), begin + int(float(facts["waited"]) * 1e9)
            self._tracer.start_span("queue", context=inside, start_time=begin).end(waited)
            self._tracer.start_span("generate", context=inside, start_time=waited).end(end)
        span.end(end)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        if self._provider:
            self._provider.shutdown()


_NAMES = {"method": "http.request.method", "path": "http.route", "status": "http.response.status_code"}


def request_id(header: str | None) -> str:
    """The caller's `x-request-id` where it is short and plain, else a new one."""
    return header if header and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", header) else f"req-{secrets.token_hex(8)}"
