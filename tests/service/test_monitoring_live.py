"""Real Prometheus, Alertmanager and exporters watch a real deployment; a worker is killed, and whoever is on call hears of it.

Configuration and rules are those of `deploy/`. Changed are only addresses (names of containers become ports here) and times:
what waits for a minute or two waits for two seconds, as its cases in `deploy/prometheus/tests/` keep the minutes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exporters
import httpx
import pytest
import yaml
from deployment import DISTRIBUTED, Backing, Deployment
from monitoring import ALERTMANAGER, GRAFANA, PROMETHEUS, ROOT, Selector, grouping, program, read_yaml, rules, selectors
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from receivers import Receiver, receiving, status
from servers import Server, free_port, wait_until
from songs import DEMO

from drumscribe.service.observability import metrics
from drumscribe.service.observability.exposition import metrics_response
from drumscribe.service.observability.memory import Memory
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import build

#: Debian builds Alertmanager so that it finds its own words there only.
TEMPLATE = Path("/usr/share/prometheus/alertmanager/email.tmpl")

#: Series: name, and all its labels.
Known = dict[str, list[dict[str, str]]]


class Program(Server):
    """A program that serves HTTP on a port."""

    def __init__(self, name: str, arguments: Callable[[int, Path], Sequence[str]], **environment: str) -> None:
        super().__init__()
        self.name, self._program, self._arguments, self._more = name, program(name), arguments, environment

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str]:
        given = [f"{name}={value}" for name, value in self._more.items()]
        return ["env", *given, self._program, *self._arguments(self.port, self.folder)]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}{'/metrics' if 'exporter' in self.name else '/-/ready'}", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass
class Watched:
    """A deployment of which something has been asked, and where its parts show their metrics."""

    running: Deployment
    ports: dict[str, int]

    def scrape(self) -> list[str]:
        """What API and workers tell."""
        ports = (self.running.port, *self.ports.values())
        return [httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=15).text for port in ports]


@pytest.fixture(scope="module")
def watched(backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """It has transcribed a song, refused a broken one, and answered a few requests."""
    folder = tmp_path_factory.mktemp("watched")
    ports = {"worker-default": free_port(), "worker-heavy": free_port()}
    with Deployment(DISTRIBUTED, folder, backing, parts=("api", "beat")) as running:
        for job, part in (("worker-default", "default"), ("worker-heavy", "heavy")):
            running.environment["PROMETHEUS_PORT"] = str(ports[job])
            running.start_part(part)
        bad = folder / "broken.wav"
        bad.write_bytes(DEMO.read_bytes()[:3000])
        assert running.wait(running.upload(DEMO))["status"] == "completed"
        with running.client() as client, bad.open("rb") as file:
            client.post("jobs", files={"file": ("broken.wav", file)})
            assert client.get("health").status_code == 200
        yield Watched(running, ports)


@pytest.fixture
def ours(watched: Watched, tmp_path: Path) -> Known:
    """Every series of ours: those of the deployment, and what only an embedded API, a container or a mishap shows."""
    metrics.step_retried("ingest", "storage_unavailable")
    embedded = build(Settings(DATA_DIR=tmp_path))
    (tmp_path / "memory.max").write_text("1000000000")
    contained = CollectorRegistry()
    contained.register(Memory(tmp_path))
    seldom = [bytes(metrics_response(embedded).body).decode(), generate_latest(contained).decode()]
    embedded.close()
    known: Known = {}
    for page in watched.scrape() + seldom:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                known.setdefault(sample.name, []).append(sample.labels)
    return known


def dashboards() -> dict[str, dict[str, Any]]:
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    assert len(files) == 3
    return {file.name: json.loads(file.read_text()) for file in files}


def queries() -> list[tuple[str, str, str]]:
    """(where it stands, query, legend) of every panel, with Grafana's variables filled in."""
    values = {"$__rate_interval": "1m", "$__range_s": "3600", "$__range": "1h", "$price_hour": "0.1", "$price_gb": "0.02"}
    found: list[tuple[str, str, str]] = []
    for file, page in dashboards().items():
        for panel in page["panels"]:
            for target in panel.get("targets", ()):
                query = target["expr"]
                for name, value in values.items():
                    query = query.replace(name, value)
                assert "$" not in query, f"{file}, {panel['title']}: nobody fills in {query}"
                found.append((f"{file}, {panel['title']}", query, target["legendFormat"]))
    return found


# ---------------------------------------------------------------------------------------------- every query against what there is


def test_every_query_asks_for_series_that_exist(ours: Known) -> None:
    others = exporters.REDIS | exporters.POSTGRES | exporters.GPU | exporters.PROMETHEUS | exporters.ALERTMANAGER
    recorded = {rule["record"]: grouping(rule["expr"]) for rule in rules() if "record" in rule}
    recorded["drumscribe:memory_used:ratio"] = set()  # of each instance
    others |= recorded | {"ALERTS": {"alertname", "alertstate", "severity"}}
    everything = [(rule.get("alert") or rule["record"], rule["expr"], "") for rule in rules()] + queries()
    wrong = [
        f"{where}: {complaint}"
        for where, query, legend in everything
        for selector in selectors(query)
        for complaint in _complaints(selector, grouping(query), legend, ours, others)
    ]
    assert not wrong, "\n".join(wrong)


def _complaints(selector: Selector, by: set[str], legend: str, ours: Known, others: dict[str, set[str]]) -> Iterator[str]:
    everywhere = {"job", "instance"}
    if selector.name in others:
        has = others[selector.name] | everywhere
    elif selector.name in ours:
        has = {label for labels in ours[selector.name] for label in labels} | everywhere
    else:
        yield f"nobody tells {selector.name}"
        return
    asked = {label for label, _, _ in selector.matchers} | by | set(re.findall(r"{{(\w+)}}", legend))
    if missing := asked - has - {"le"}:
        yield f"{selector.name} has no {', '.join(sorted(missing))}"
    for label, operator, value in selector.matchers:
        seen = {labels.get(label, "") for labels in ours.get(selector.name, ())}
        in_trouble = label in everywhere or (label, selector.name) == ("status", "drumscribe_http_requests_total")
        if operator in {"=", "=~"} and seen and not in_trouble and not any(_fits(operator, value, one) for one in seen):
            yield f'no {selector.name} has {label}{operator}"{value}", only {sorted(seen)}'
        if operator == "!~" and label == "route" and not any(_fits("=~", value, one) for one in seen):
            yield f"{value} leaves nothing out"


def _fits(operator: str, value: str, seen: str) -> bool:
    return value == seen if operator == "=" else re.fullmatch(value, seen) is not None


def test_a_query_for_what_does_not_exist_is_found(ours: Known) -> None:
    def complaints(query: str, legend: str = "") -> list[str]:
        return [
            text
            for selector in selectors(query)
            for text in _complaints(selector, grouping(query), legend, ours, exporters.REDIS)
        ]  # fmt: skip

    assert complaints("sum(rate(drumscribe_songs_total[5m]))") == ["nobody tells drumscribe_songs_total"]
    assert complaints("sum by (queue) (drumscribe_up)") == ["drumscribe_up has no queue"]
    assert complaints("drumscribe_up", "{{stage}}") == ["drumscribe_up has no stage"]
    assert complaints('drumscribe_up{component="disk"}')[0].startswith('no drumscribe_up has component="disk"')
    assert complaints('drumscribe_duties_total{duty=~"sweeping|x"}')[0].startswith("no drumscribe_duties_total has duty=~")
    assert not complaints('redis_up{job="redis"}')


def test_dashboards_are_as_they_are_written_and_fit_on_their_page() -> None:
    check = [sys.executable, str(ROOT / "scripts" / "dashboards.py"), "--check"]
    assert subprocess.run(check, check=False).returncode == 0
    (source, *_) = read_yaml(GRAFANA / "provisioning" / "datasources" / "datasources.yml")["datasources"]
    for page in dashboards().values():
        taken: set[tuple[int, int]] = set()
        assert len({panel["id"] for panel in page["panels"]}) == len(page["panels"])
        for panel in page["panels"]:
            place = panel["gridPos"]
            fields = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }  # fmt: skip
            assert place["x"] + place["w"] <= 24
            assert not fields & taken, panel["title"]
            taken |= fields
            assert all(target["datasource"]["uid"] == source["uid"] for target in panel.get("targets", ()))


# ---------------------------------------------------------------------------------------------- the programs themselves


@dataclass
class Watching:
    """Prometheus, Alertmanager, and who hears of what."""

    prometheus: Program
    alertmanager: Program
    on_call: Receiver
    warnings: Receiver

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer to a query; an error fails the test."""
        answer = httpx.get(f"{self.prometheus.url}/api/v1/query", params={"query": query}, timeout=15).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        return list(answer["data"]["result"])

    def heard(self, receiver: Receiver) -> list[str]:
        """What a receiver was told."""
        return [f"{one['title']}\n{one['text']}" for got in receiver.received for one in json.loads(got.body)["attachments"]]


@pytest.fixture(scope="module")
def watching(watched: Watched, backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """All of it runs."""
    if not TEMPLATE.exists():
        pytest.skip(f"Debian's Alertmanager needs {TEMPLATE}: sudo scripts/setup_ops.sh monitoring")
    folder = tmp_path_factory.mktemp("watching")
    with receiving(status(200, b"ok")) as on_call, receiving(status(200, b"ok")) as warnings:
        config = ALERTMANAGER.read_text()
        for name, receiver in (("critical", on_call), ("warning", warnings)):
            (folder / name).write_text(receiver.url)
            config = config.replace(f"/etc/alertmanager/secrets/{name}_url", str(folder / name))
        config = re.sub(r"group_(wait|interval): \w+", r"group_\1: 1s", config)
        (folder / "alertmanager.yml").write_text(config)
        alertmanager = Program(
            "prometheus-alertmanager",
            lambda port, data: [
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={data}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
        )
        database = backing.postgres
        redis = Program(
            "prometheus-redis-exporter",
            lambda port, _: [f"--web.listen-address=127.0.0.1:{port}", f"--redis.addr={backing.redis.url}"],
        )
        postgres = Program(
            "prometheus-postgres-exporter",
            lambda port, _: [f"--web.listen-address=127.0.0.1:{port}"],
            DATA_SOURCE_NAME=f"{database.url.replace('+psycopg', '')}?sslmode=disable",
        )
        places = {
            "api": watched.running.port,
            **watched.ports,
            "redis": redis.port,
            "postgres": postgres.port,
            "alertmanager": alertmanager.port,
        }
        prometheus = Program(
            "prometheus",
            lambda port, data: [
                f"--config.file={_here(folder, places | {'prometheus': port})}",
                f"--storage.tsdb.path={data / 'series'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
        )
        with alertmanager, redis, postgres, prometheus:
            watching = Watching(prometheus, alertmanager, on_call, warnings)
            wait_until(
                lambda: {one["metric"]["job"] for one in watching.ask("up == 1")} == set(places) | {"prometheus"},
                seconds=30,
                what="all parts are scraped",
            )
            yield watching


def _here(folder: Path, places: dict[str, int]) -> Path:
    config = read_yaml(PROMETHEUS / "prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}

    def found(job: str) -> list[dict[str, Any]]:
        return [{"targets": [f"127.0.0.1:{places[job]}"]}] if job in places else []  # nobody bears the GPU's name here

    for scrape in config["scrape_configs"]:
        assert scrape.pop("dns_sd_configs", None) or scrape.pop("static_configs")
        scrape["static_configs"] = found(scrape["job_name"])
    (manager,) = config["alerting"]["alertmanagers"]
    assert manager.pop("dns_sd_configs")
    manager["static_configs"] = found("alertmanager")
    (folder / "rules").mkdir()
    for file in (PROMETHEUS / "rules").glob("*.yml"):
        (folder / "rules" / file.name).write_text(re.sub(r"for: [12]m$", "for: 2s", file.read_text(), flags=re.MULTILINE))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def test_prometheus_sees_every_part_and_answers_every_query(watched: Watched, watching: Watching) -> None:
    def evaluated() -> bool:
        with watched.running.client() as client:
            client.get("jobs")
        return bool(watching.ask("drumscribe:api_seconds:p95_5m > 0"))

    wait_until(evaluated, seconds=30, what="rules are evaluated")  # after two scrapes with requests between them
    absent = re.compile(r"step_retries|status=~|DCGM|storage_used|memory_limit")  # no mishaps, no GPU, no disk, no container
    empty = [f"{where}: {query}" for where, query, _ in queries() if not watching.ask(query) and not absent.search(query)]
    assert not empty, "\n".join(empty)
    for rule in rules():
        watching.ask(rule["expr"])
    assert {one["metric"]["alertname"] for one in watching.ask('ALERTS{alertstate="firing"}')} == {"Watchdog"}


@pytest.mark.parametrize("listed", [exporters.REDIS, exporters.POSTGRES, exporters.PROMETHEUS, exporters.ALERTMANAGER])
def test_programs_of_others_tell_what_the_list_says(watching: Watching, listed: dict[str, set[str]]) -> None:
    for metric, labels in listed.items():
        found = watching.ask(metric)
        assert found, metric
        assert any(labels <= set(one["metric"]) for one in found), metric


def test_a_worker_that_is_killed_is_heard_of_and_so_is_its_return(watched: Watched, watching: Watching) -> None:
    watched.running.kill_part("heavy")

    def heard(what: str) -> list[str]:
        return [text for text in watching.heard(watching.on_call) if f"{what}: WorkerDown" in text]

    wait_until(lambda: bool(heard("FIRING")), seconds=40, what="on-call hears")
    (message,) = heard("FIRING")
    assert "There is no worker-heavy." in message
    assert "docs/runbooks.md#workerdown" in message

    def silenced() -> bool:
        alerts = httpx.get(f"{watching.alertmanager.url}/api/v2/alerts", timeout=10).json()
        states = {one["labels"]["severity"]: one["status"] for one in alerts if one["labels"]["alertname"] == "WorkerDown"}
        return (
            set(states) == {"critical", "warning"}
            and states["critical"]["state"] == "active"
            and states["warning"]["state"] == "suppressed"
            and bool(states["warning"]["inhibitedBy"])
        )

    wait_until(silenced, seconds=20, what="the critical alert silences the warning")
    watched.running.environment["PROMETHEUS_PORT"] = str(watched.ports["worker-heavy"])
    watched.running.start_part("heavy")
    wait_until(lambda: bool(heard("RESOLVED")), seconds=60, what="it is over")
    assert not [text for text in watching.heard(watching.on_call) + watching.heard(watching.warnings) if "Watchdog" in text]
