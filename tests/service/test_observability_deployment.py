"""What an operator sees of the whole product, in both modes: one trace per job, counters that move, logs in one form."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from collector import Collector, collecting
from deployment import DISTRIBUTED, Backing, Deployment
from servers import free_port, wait_until
from songs import DEMO
from test_observability_metrics import parsed

from drumscribe.service.queueing import CeleryQueue

STEPS = {"ingest_audio", "separate_drums", "predict_hits", "transcribe_and_export"}


def has_all_steps(collector: Collector, job_id: str) -> bool:
    names = {span.name for span in collector.trace_of(job_id)}
    return names >= STEPS and any(not span.parent_id for span in collector.trace_of(job_id))


def test_a_job_is_seen_in_trace_metrics_and_logs(mode: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    backing = request.getfixturevalue("backing") if mode == DISTRIBUTED else None
    ports: dict[str, int] = {}
    with collecting() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        running = Deployment(mode, tmp_path, backing, settings=settings, parts=("api", "beat"))
        with running:
            if mode == DISTRIBUTED:
                for part in ("default", "heavy"):
                    running.environment["PROMETHEUS_PORT"] = str(ports.setdefault(part, free_port()))
                    running.start_part(part)
            done = running.upload(DEMO, title="Watched")
            assert running.wait(done)["status"] == "completed"
            bad = tmp_path / "broken.wav"
            bad.write_bytes(DEMO.read_bytes()[:3000])
            with running.client() as client, bad.open("rb") as file:
                client.post("jobs", files={"file": ("broken.wav", file)})
            wait_until(lambda: has_all_steps(collector, done), seconds=20, what="all spans arrive")

            addresses = [f"http://127.0.0.1:{port}/metrics" for port in ports.values()] or [f"{running.base_url}/metrics"]
            seen = [parsed(httpx.get(address).text) for address in addresses]

            def total(name: str) -> float:
                return sum(each.get(name, 0.0) for each in seen)

            assert total("drumscribe_jobs_total{status=completed}") == 1
            assert total("drumscribe_audio_duration_processed_seconds_total") == pytest.approx(30, abs=1)
            for stage in ("ingest", "separation", "prediction", "transcription"):
                assert total(f"drumscribe_inference_latency_seconds_count{{stage={stage}}}") >= 1
                spent = total(f"drumscribe_step_seconds_total{{outcome=completed}}{{stage={stage}}}")
                assert spent == pytest.approx(total(f"drumscribe_inference_latency_seconds_sum{{stage={stage}}}"))
            assert sum(value for each in seen for name, value in each.items() if name.startswith("drumscribe_jobs_heard_")) == 1
            assert all(each["drumscribe_memory_bytes"] > 50_000_000 for each in seen)
            duty = "sweep" if mode == DISTRIBUTED else "deliver"
            assert total(f"drumscribe_duties_total{{duty={duty}}}{{outcome=done}}") >= 1
            of_api = parsed(httpx.get(f"{running.base_url}/metrics").text)
            assert of_api["drumscribe_http_requests_total{method=POST}{route=/api/v1/jobs}{status=202}"] >= 1
            assert of_api["drumscribe_up{component=database}"] == 1
            assert "drumscribe_queue_depth{queue=heavy-compute}" in of_api

        trace = collector.trace_of(done)
        assert len({span.trace_id for span in trace}) == 1
        (root,) = [span for span in trace if not span.parent_id]
        assert root.service == "drumscribe-api"
        assert root.name.startswith("POST")
        for span in trace:
            if span.name in STEPS:
                assert span.parent_id == root.span_id
                assert span.service == "drumscribe-worker"
                assert span.attributes["job.id"] == done

    written = [line for part in running.processes for line in running.log(part).splitlines()]
    lines = [json.loads(line) for line in written if line.startswith("{")]
    told = [line for line in written if not line.startswith("{")]
    assert all(line.startswith(("DrumScribe runs at", "Stopped", "worker: Warm shutdown")) for line in told if line), told
    completed = [line for line in lines if line["event"] == "step_completed" and line["job_id"] == done]
    assert {line["stage"] for line in completed} == {"ingest", "separation", "prediction", "transcription"}
    assert all(line["elapsed_ms"] >= 0 and line["trace_id"] == root.trace_id for line in completed)
    assert {line["user_id"] for line in completed} == {"anonymous"}
    (accepted,) = [
        line
        for line in lines
        if line["event"] == "request" and line.get("trace_id") == root.trace_id and line["method"] == "POST"
    ]
    assert accepted["route"] == "/api/v1/jobs"
    assert accepted["request_id"]
    assert accepted["user_id"] == "anonymous"
    assert not [line for line in written if "ip:127.0.0.1" in line]


def test_installations_on_one_redis_do_not_take_each_others_messages(backing: Backing, tmp_path: Path) -> None:
    both = [Deployment(DISTRIBUTED, tmp_path / name, backing, parts=()) for name in ("one", "other")]
    one, other = (CeleryQueue(each.environment["REDIS_URL"]) for each in both)
    one.send("ingest_audio", str(uuid4()))
    assert (one.depth()["default"], other.depth()["default"]) == (1, 0)
    assert one.purge() == 1
