"""One trace per job: the request that made it, and every try of every step, wherever it ran.

The row of a job carries the context (W3C `traceparent`) of its request; each step continues from it. Statements of the
database are spans within a request or step, never traces of their own. Reading requests are many and alike: one in a
hundred is traced unless its caller asks for it with a `traceparent`; their speed is in the metrics.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` all of this does nothing. With it, spans are sent by a thread: a collector that is
away costs spans, never time.
"""

from __future__ import annotations

import atexit
import os
import threading
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from drumscribe.errors import DrumScribeError
from drumscribe.service.observability.logs import redact_text

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import Sampler
    from sqlalchemy import Engine

    from drumscribe.service.settings import Settings

#: Share of the reading requests that are traced.
_READS_TRACED = 0.01
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Probes, scrapes, and the poll of a job: an instrumented request costs twice as much, even if it is not sampled.
_UNTRACED = "/livez,/readyz,/health,/metrics,/jobs/[0-9a-f-]{36}$"
_SEND_EVERY_MS = 2000
_COLLECTOR_TIMEOUT_S = 3.0

_propagator = TraceContextTextMapPropagator()
_providers: dict[int, TracerProvider] = {}  # by process: a forked child starts its own


def setup_tracing(settings: Settings, service_name: str, *, engine: Engine | None = None, app: FastAPI | None = None) -> bool:
    """Send this process's spans to `OTEL_EXPORTER_OTLP_ENDPOINT`. False: there is none, nothing is traced.

    In a worker that forks, to be called by each child.

    Parameters
    ----------
    settings : Settings
        Where spans go.
    service_name : str
        What the collector calls this process: `drumscribe-api`, `drumscribe-worker`.
    engine : Engine, optional
        Its statements become spans.
    app : FastAPI, optional
        Its requests become spans; it must not have answered any yet.
    """
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return False
    provider = _providers.get(os.getpid())
    if provider is None:
        provider = _providers[os.getpid()] = _open_provider(settings, service_name)
        trace.set_tracer_provider(provider)
        atexit.register(shutdown_tracing)
    if engine is not None:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=provider)
    if app is not None:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=provider,
            excluded_urls=_UNTRACED,
            exclude_spans=["receive", "send"],
            server_request_hook=_hide_secrets,
        )
    return True


def shutdown_tracing(*, patience_s: float = _COLLECTOR_TIMEOUT_S) -> None:
    """Send what is left, waiting no longer than `patience_s` for the collector."""
    provider = _providers.pop(os.getpid(), None)
    if provider is None:
        return
    last = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    last.start()
    last.join(patience_s)


def current_context() -> str | None:
    """The running span as a `traceparent`, to be kept with what it started; None without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(name: str, *, parent: str | None = None, attributes: Mapping[str, str | int | float] | None = None) -> Generator[Span]:
    """Run the block as a span, under a kept context if one is given; an error that leaves the block marks it."""
    context = _propagator.extract({"traceparent": parent}) if parent else None
    tracer = (_providers.get(os.getpid()) or trace.get_tracer_provider()).get_tracer("drumscribe")
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=SpanKind.CONSUMER if parent else SpanKind.INTERNAL,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as running:
        try:
            yield running
        except BaseException as error:
            failed(error)
            raise


def failed(error: BaseException) -> None:
    """Mark the running span as failed, with the error's code and trace."""
    running = trace.get_current_span()
    if not running.is_recording():
        return
    code = error.code if isinstance(error, DrumScribeError) else type(error).__name__
    said = {"exception.message": redact_text(str(error))}
    said["exception.stacktrace"] = redact_text("".join(traceback.format_exception(error)))
    running.record_exception(error, attributes=said)
    running.set_attribute("error.type", code)
    running.set_status(Status(StatusCode.ERROR, code))


def describe(**attributes: str | float | None) -> None:
    """Add to the running span what is known by now: `model_version` becomes `job.model_version`."""
    running = trace.get_current_span()
    for name, value in attributes.items():
        if value is not None:
            running.set_attribute(f"job.{name}", value)


def happened(name: str) -> None:
    """Note a moment of the running span: the library has begun another part of its work."""
    trace.get_current_span().add_event(name)


def _open_provider(settings: Settings, service_name: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased

    address = settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/")
    exporter = OTLPSpanExporter(
        endpoint=address if address.endswith("/v1/traces") else f"{address}/v1/traces",
        timeout=_COLLECTOR_TIMEOUT_S,
        compression=Compression.Gzip,
    )
    provider = TracerProvider(
        sampler=ParentBased(_sample_roots()),
        resource=Resource.create(
            {
                "service.name": service_name,
                "service.version": version("drumscribe"),
                "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
                "deployment.environment.name": settings.ENV,
            }
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SEND_EVERY_MS))
    return provider


def _sample_roots() -> Sampler:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult, TraceIdRatioBased
    from opentelemetry.trace import Link, TraceState
    from opentelemetry.util.types import Attributes

    some = TraceIdRatioBased(_READS_TRACED)

    class Roots(Sampler):
        """Which spans without a parent begin a trace."""

        def should_sample(
            self,
            parent_context: Context | None,
            trace_id: int,
            name: str,
            kind: SpanKind | None = None,
            attributes: Attributes = None,
            links: Sequence[Link] | None = None,
            trace_state: TraceState | None = None,
        ) -> SamplingResult:
            chosen = ALWAYS_ON
            if kind is SpanKind.CLIENT:  # a statement outside of any request or step
                chosen = ALWAYS_OFF
            elif kind is SpanKind.SERVER:
                method = (attributes or {}).get("http.method") or (attributes or {}).get("http.request.method")
                chosen = some if method in _READING else ALWAYS_ON
            return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

        def get_description(self) -> str:
            return "RequestsAndSteps"

    return Roots()


def _hide_secrets(running: Span, scope: dict[str, object]) -> None:
    """A query may carry a token, and so may a path; the trace needs none of it."""
    path = str(scope.get("path", ""))
    shown = redact_text(path)
    if (scope.get("query_string") or shown != path) and running.is_recording():
        for name in ("http.url", "url.full"):
            running.set_attribute(name, shown)
        running.set_attribute("http.target", shown)
        running.set_attribute("url.path", shown)
        running.set_attribute("url.query", "")
