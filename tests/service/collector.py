"""An OpenTelemetry collector for tests: takes spans over OTLP/HTTP and lays them out."""

from __future__ import annotations

import gzip
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from receivers import Receiver, receiving, status

ERROR = 2  #: STATUS_CODE_ERROR


@dataclass
class Arrived:
    """One span."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: dict[str, Any] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)


class Collector:
    """What has arrived so far."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    @property
    def url(self) -> str:
        """What belongs into `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://{self._receiver.endpoint}"

    @property
    def spans(self) -> list[Arrived]:
        """Every span, in order of arrival."""
        return [span for received in list(self._receiver.received) for span in _spans(received)]

    def trace_of(self, job_id: str) -> list[Arrived]:
        """All spans of the traces that speak of a job."""
        spans = self.spans
        traces = {span.trace_id for span in spans if span.attributes.get("job.id") == job_id}
        return [span for span in spans if span.trace_id in traces]


@contextmanager
def collecting() -> Generator[Collector]:
    """Run one."""
    with receiving(status(200, b"", Content_Type="application/x-protobuf")) as receiver:
        yield Collector(receiver)


def _spans(received: Any) -> Generator[Arrived]:
    assert received.path == "/v1/traces"
    assert received.headers["content-type"] == "application/x-protobuf"
    body = gzip.decompress(received.body) if received.headers.get("content-encoding") == "gzip" else received.body
    for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _values(of_process.resource.attributes)["service.name"]
        for scope in of_process.scope_spans:
            for span in scope.spans:
                yield Arrived(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.status.code == ERROR,
                    _values(span.attributes),
                    {event.name: _values(event.attributes) for event in span.events},
                )


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in attributes}
