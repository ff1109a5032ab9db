"""One trace per job: the request that made it, and every step, wherever it ran.

The row of a job carries the context (W3C `traceparent`) of its request; each step continues from it. Without
`OTEL_EXPORTER_OTLP_ENDPOINT` all of this does nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


def current_context() -> str | None:
    """The running span as a `traceparent`, to be kept with what it started; None without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(name: str, *, parent: str | None = None, **attributes: str | int | float) -> Generator[Span]:
    """Run the block as a span, under a kept context if one is given; an error that leaves the block marks it."""
    context = _propagator.extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("drumscribe")
    with tracer.start_as_current_span(
        name, context=context, kind=SpanKind.CONSUMER if parent else SpanKind.INTERNAL, attributes=attributes
    ) as running:
        try:
            yield running
        except BaseException as error:
            running.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
