"""Takes traces over OTLP/HTTP, as Jaeger would, and prints a line of JSON for each span. Runs in the worker's image."""

from __future__ import annotations

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


class Receiver(BaseHTTPRequestHandler):
    """POST /v1/traces."""

    def do_POST(self) -> None:
        """Decode a message and tell of its spans."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    line = {"service": about.get("service.name"), "name": span.name, "trace": span.trace_id.hex()}
                    print(json.dumps(line), flush=True)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing but spans on stdout."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 4318), Receiver).serve_forever()
