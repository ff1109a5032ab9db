"""Writes the dashboards of `deploy/grafana/dashboards/`; `--check` says whether they are up to date.

Grafana's own form repeats forty lines for each panel. Here a panel is its title, its unit and its queries; a test holds
every query to the metrics that exist.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDE = 24


@dataclass(frozen=True)
class Panel:
    """One picture: (legend, query) for each of its lines."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"
    width: int = 8
    says: str = ""
    worse: float | None = None  #: where a figure turns red
    stack: bool = False


@dataclass(frozen=True)
class Row:
    """A heading and what is under it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """One page; `prices` are fields that whoever looks fills in: name to label and first value."""

    uid: str
    title: str
    rows: Sequence[Row]
    prices: Sequence[tuple[str, str, str]] = ()
    past: str = "now-6h"


def figure(title: str, unit: str, query: str, *, worse: float | None = None, says: str = "", width: int = 4) -> Panel:
    """A number of its own."""
    return Panel(title, unit, [("", query)], "stat", width, says, worse)


def rates(title: str, metric: str, *labels: str, unit: str = "cpm", where: str = "", stack: bool = False) -> Panel:
    """How fast a counter grows, by labels: in a minute, or in a second."""
    query = f"sum by ({', '.join(labels)}) (rate({metric}{where}[$__rate_interval]))"
    return Panel(title, unit, [(legend(labels), f"60 * {query}" if unit == "cpm" else query)], stack=stack)


def largest(title: str, unit: str, metric: str, *labels: str, kind: str = "timeseries", stack: bool = False) -> Panel:
    """A gauge that every replica of the API tells alike."""
    return Panel(title, unit, [(legend(labels), f"max by ({', '.join(labels)}) ({metric})")], kind, stack=stack)


def plain(title: str, unit: str, *queries: tuple[str, str], says: str = "") -> Panel:
    """Lines as Prometheus has them."""
    return Panel(title, unit, queries, says=says)


def legend(labels: Sequence[str]) -> str:
    """The values of the labels."""
    return " ".join(f"{{{{{label}}}}}" for label in labels)


def quantile(share: int, metric: str, *labels: str, where: str = "") -> str:
    """What so many of 100 stay below."""
    by = ", ".join(("le", *labels))
    return f"histogram_quantile(0.{share}, sum by ({by}) (rate({metric}_bucket{where}[$__rate_interval])))"


def stage_times(stage: str) -> Panel:
    """Median and the slow ends of a step's time."""
    metric, where = "drumscribe_inference_latency_seconds", f'{{stage="{stage}"}}'
    return Panel(stage, "s", [(f"p{share}", quantile(share, metric, where=where)) for share in (50, 95, 99)], width=6)


USERS = 'route!~"/livez|/readyz|/health|/api/v1/health|/metrics"'
PART = "{{job}} {{instance}}"

SERVICE = Dashboard(
    "drumscribe-service",
    "DrumScribe: jobs",
    [
        Row(
            "Now",
            [
                figure("Jobs that have not ended", "short", "max(drumscribe_active_jobs)"),
                figure("Steps that wait", "short", "sum(drumscribe:queue_depth:max)", worse=50),
                figure("The oldest has waited", "s", "max(drumscribe:queue_age_seconds:max)", worse=600),
                figure("Failed within 15 min", "percentunit", "drumscribe:jobs_failed:ratio15m", worse=0.05),
                figure("API, 95 of 100 within", "s", "drumscribe:api_seconds:p95_5m", worse=2),
                figure("Alerts", "short", 'count(ALERTS{alertstate="firing", severity!="none"}) or vector(0)', worse=1),
            ],
        ),
        Row(
            "Throughput and errors",
            [
                rates("Jobs that ended", "drumscribe_jobs_total", "status"),
                rates("Failures by fault", "drumscribe_job_faults_total", "fault", stack=True),
                rates("Failures by stage", "drumscribe_jobs_failed_total", "stage", stack=True),
                rates("Tries that came to nothing", "drumscribe_step_retries_total", "stage", "code"),
                rates("Warnings that scores have", "drumscribe_job_warnings_total", "code"),
                rates("Scores written anew", "drumscribe_revisions_total", "status"),
            ],
        ),
        Row(
            "Queues",
            [
                plain("Steps that wait", "short", ("{{queue}}", "drumscribe:queue_depth:max")),
                plain("The oldest has waited", "s", ("{{queue}}", "drumscribe:queue_age_seconds:max")),
                plain("Steps that run", "short", ("{{queue}}", "drumscribe:running_steps:max")),
            ],
        ),
        Row("Time of a step", [stage_times(stage) for stage in ("ingest", "separation", "prediction", "transcription")]),
        Row(
            "Models",
            [
                rates("Jobs heard, by network", "drumscribe_jobs_heard_total", "model"),
                largest("Networks that ship", "short", "drumscribe_model_info", "kind", "model", "version", kind="table"),
                largest("Versions that run", "short", "drumscribe_build_info", "version", "mode", "instance", kind="table"),
            ],
        ),
    ],
)

PARTS = Dashboard(
    "drumscribe-parts",
    "DrumScribe: parts",
    [
        Row(
            "API",
            [
                rates("Requests", "drumscribe_http_requests_total", "method", "route", unit="reqps", where=f"{{{USERS}}}"),
                plain(
                    "95 of 100 answers begin within",
                    "s",
                    (
                        "{{method}} {{route}}",
                        quantile(95, "drumscribe_http_request_duration_seconds", "method", "route", where=f"{{{USERS}}}"),
                    ),
                    says="Of POST /api/v1/jobs it is the time of the sender's line.",
                ),
                rates(
                    "Errors",
                    "drumscribe_http_requests_total",
                    "status",
                    "route",
                    unit="reqps",
                    where=f'{{status=~"[45]..", {USERS}}}',
                ),
            ],
        ),
        Row(
            "Processes",
            [
                plain(
                    "Memory",
                    "bytes",
                    (PART, "drumscribe_memory_bytes"),
                    (f"limit of {PART}", "drumscribe_memory_limit_bytes"),
                    says="All processes of a part; pages that they share count once.",
                ),
                plain("Answers Prometheus", "short", (PART, "up")),
                plain("Starts within an hour", "short", (PART, 'changes(process_start_time_seconds{job=~"api|worker-.*"}[1h])')),
                rates("What is done from time to time", "drumscribe_duties_total", "duty", "outcome"),
                rates("Webhooks", "drumscribe_webhook_attempts_total", "outcome"),
                rates("Malware scans", "drumscribe_malware_scans_total", "outcome"),
            ],
        ),
        Row(
            "Storage",
            [
                plain(
                    "Disk of the artifacts, used",
                    "percentunit",
                    ("used", "drumscribe:storage_used:ratio"),
                    says="Absent with S3.",
                ),
                largest("Size of the artifacts", "bytes", "drumscribe_artifact_bytes", "kind", stack=True),
                largest("Parts that answer", "short", "drumscribe_up", "component"),
            ],
        ),
        Row(
            "Database, broker, GPU",
            [
                plain(
                    "Connections",
                    "short",
                    ("{{datname}}", "sum by (datname) (pg_stat_database_numbackends)"),
                    ("allowed", "max(pg_settings_max_connections)"),
                ),
                plain("Connections of the API", "short", ("{{state}}", "sum by (state) (drumscribe_database_pool_connections)")),
                largest("Size of the database", "bytes", "pg_database_size_bytes", "datname"),
                plain(
                    "Memory of Redis",
                    "bytes",
                    ("used", "sum(redis_memory_used_bytes)"),
                    ("allowed", "sum(redis_memory_max_bytes)"),
                ),
                largest("Messages in Redis", "short", "drumscribe_broker_messages", "queue"),
                plain("GPU", "percent", ("{{instance}} {{gpu}}", "avg by (instance, gpu) (DCGM_FI_DEV_GPU_UTIL)")),
            ],
        ),
    ],
)

SPENT = "sum(increase(drumscribe_step_seconds_total[$__range]))"
USED = 'sum(increase(drumscribe_step_seconds_total{outcome="completed"}[$__range]))'
SONGS = 'sum(increase(drumscribe_jobs_total{status="completed"}[$__range]))'
MINUTES = "(sum(increase(drumscribe_audio_duration_processed_seconds_total[$__range])) / 60)"
RUNNING = 'sum(avg_over_time(up{job=~"worker-.*"}[$__range]))'
REQUESTS = f"sum(increase(drumscribe_http_requests_total{{{USERS}}}[$__range]))"

COSTS = Dashboard(
    "drumscribe-costs",
    "DrumScribe: costs",
    [
        Row(
            "A song",
            [
                figure("Compute for a minute of sound", "s", f"{SPENT} / {MINUTES}", says="Tries that came to nothing too."),
                figure("Compute for a song", "s", f"{SPENT} / {SONGS}"),
                figure("Of it in vain", "percentunit", f"1 - {USED} / {SPENT}"),
                figure(
                    "Busy share of the workers",
                    "percentunit",
                    f"{SPENT} / ($__range_s * {RUNNING})",
                    says="One with several processes can be above 100 %.",
                ),
                figure("Worker hours a day", "short", f"24 * {RUNNING}"),
                figure("Cost of the workers a day", "short", f"24 * $price_hour * {RUNNING}"),
                figure(
                    "1,000 songs, busy time",
                    "short",
                    f"1000 * $price_hour * {SPENT} / 3600 / {SONGS}",
                    says="As if idle workers were free.",
                    width=8,
                ),
                figure(
                    "1,000 songs, all time",
                    "short",
                    f"1000 * $price_hour * {RUNNING} * $__range_s / 3600 / {SONGS}",
                    says="Idle workers are paid for too.",
                    width=8,
                ),
                figure("Artifacts a month", "short", "$price_gb * sum(max by (kind) (drumscribe_artifact_bytes)) / 1e9", width=8),
            ],
        ),
        Row(
            "Where it goes",
            [
                rates("Compute by stage, seconds a second", "drumscribe_step_seconds_total", "stage", unit="short", stack=True),
                rates(
                    "Compute by outcome, seconds a second", "drumscribe_step_seconds_total", "outcome", unit="short", stack=True
                ),
                plain(
                    "Sound transcribed, seconds a second",
                    "short",
                    ("sound", "sum(rate(drumscribe_audio_duration_processed_seconds_total[$__rate_interval]))"),
                ),
                plain("GPU hours a day, used", "short", ("hours", "24 * sum(avg_over_time(DCGM_FI_DEV_GPU_UTIL[1h])) / 100")),
                largest("Size of the artifacts", "bytes", "drumscribe_artifact_bytes", "kind", stack=True),
                figure("API requests", "short", REQUESTS, width=8),
            ],
        ),
    ],
    prices=[("price_hour", "Price of a worker's hour", "0.10"), ("price_gb", "Price of a GB for a month", "0.02")],
    past="now-7d",
)

DASHBOARDS = (SERVICE, PARTS, COSTS)


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard in Grafana's form."""
    panels: list[dict[str, Any]] = []
    x = y = 0
    for row in dashboard.rows:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "panels": [],
                "gridPos": _place(0, y, WIDE, 1),
            }
        )
        x, y = 0, y + 1
        height = max(4 if panel.kind == "stat" else 8 for panel in row.panels)
        for panel in row.panels:
            if x + panel.width > WIDE:
                x, y = 0, y + height
            panels.append(_panel(panel, len(panels) + 1, _place(x, y, panel.width, height)))
            x += panel.width
        y += height
    variables = [
        {"name": name, "label": label, "type": "textbox", "query": first, "current": {"text": first, "value": first}, "hide": 0}
        for name, label, first in dashboard.prices
    ]
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["drumscribe"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": dashboard.past, "to": "now"},
        "links": [{"type": "dashboards", "tags": ["drumscribe"], "title": "DrumScribe", "asDropdown": False, "keepTime": True}],
        "templating": {"list": variables},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    at_once = panel.kind != "timeseries"
    queries = [
        {"refId": chr(ord("A") + k), "datasource": SOURCE, "expr": query, "legendFormat": legend or panel.title}
        | ({"instant": True, "range": False} if at_once else {})
        | ({"format": "table"} if panel.kind == "table" else {})
        for k, (legend, query) in enumerate(panel.queries)
    ]
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.worse is not None:
        steps.append({"color": "red", "value": panel.worse})
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if not at_once:
        defaults |= {
            "min": 0,
            "custom": {"fillOpacity": 20 if panel.stack else 0, "stacking": {"mode": "normal" if panel.stack else "none"}},
        }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": queries,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def text(dashboard: Dashboard) -> str:
    """As it lies in its file: a line for each panel, so that a change is one line to look at."""
    page = rendered(dashboard)
    panels = ",\n".join("  " + json.dumps(panel) for panel in page.pop("panels"))
    head = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in page.items())
    return f'{{\n{head},\n "panels": [\n{panels}\n ]\n}}\n'


def main() -> int:
    """Write them, or compare."""
    stale = False
    for dashboard in DASHBOARDS:
        path = TARGET / f"{dashboard.uid}.json"
        if "--check" in sys.argv[1:]:
            stale |= not path.exists() or path.read_text("utf-8") != text(dashboard)
        else:
            path.write_text(text(dashboard), "utf-8")
    if stale:
        print("The dashboards are not as scripts/dashboards.py writes them: run it.", file=sys.stderr)
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
