"""Alerts fire when they should and not before, have a runbook each, and go to whom they are for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from monitoring import ALERTMANAGER, PROMETHEUS, ROOT, alerts, read_yaml, rules, said, selectors
from test_observability_docs import words_of

from drumscribe.cli.app import app
from drumscribe.service.settings import Settings

RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


def test_the_configuration_and_every_rule_are_sound() -> None:
    assert "SUCCESS" in said("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    said("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted((PROMETHEUS / "rules").glob("*.yml")))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent(path: Path) -> None:
    assert "SUCCESS" in said("promtool", "test", "rules", path)


def test_every_alert_has_a_case_in_which_it_fires_and_data_for_its_silence() -> None:
    fires = {
        tuple(re.findall(rf'{label}="([^"]+)"', sample["labels"])[0] for label in ("alertname", "severity"))
        for case in read_yaml(PROMETHEUS / "tests" / "fires.yml")["tests"]
        for test in case.get("promql_expr_test", ())
        for sample in test["exp_samples"]
    }
    assert {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()} == fires
    calm = read_yaml(PROMETHEUS / "tests" / "calm.yml")["tests"][0]
    given = {re.split(r"[{ ]", one["series"])[0] for one in calm["input_series"]}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {selector.name for rule in rules() for selector in selectors(rule["expr"])} - recorded
    assert asked == given


def test_every_alert_says_what_is_wrong_and_links_to_its_runbook() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOKS, re.MULTILINE)
    assert sorted(headings) == sorted({rule["alert"] for rule in alerts()})
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")
        assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}
    for section in RUNBOOKS.split("\n## ")[1:]:
        assert all(word in section for word in ("**Means.**", "**Look**" if "**Look**" in section else "**Look.**", "**Over**"))


def test_runbooks_name_what_exists() -> None:
    settings = {name for name in re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", RUNBOOKS) if "DCGM" not in name}
    assert len(settings) > 20
    assert settings <= set(Settings.model_fields)
    metrics = set(re.findall(r"\bdrumscribe_[a-z_]+", RUNBOOKS))
    histograms = {re.sub(r"_(bucket|count|sum)$", "", name) for name in metrics}
    assert histograms <= words_of("Metrics")
    events = set(re.findall(r'\.event == "(\w+)"', RUNBOOKS))
    assert events
    assert events <= words_of("Events")
    for link in re.findall(r"\]\(#(\w+)\)", RUNBOOKS):
        assert link in {rule["alert"].lower() for rule in alerts()}


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"\bdrumscribe\s((?:jobs|queues|models|admin|migrate)[^`\n]*)", RUNBOOKS)))
)
def test_every_command_of_the_runbooks_exists(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = [word for word in re.split(r"\s+", line) if word and word != "#"]
    while hasattr(command, "commands") and words:
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_prometheus_asks_the_services_of_the_compose_file_on_their_ports() -> None:
    services = read_yaml(ROOT / "docker-compose.yml")["services"]
    asked: dict[str, int] = {}
    for scrape in read_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]:
        for found in scrape.get("dns_sd_configs", ()):
            asked |= dict.fromkeys(found["names"], found["port"])
    assert set(asked) - {"dcgm-exporter"} <= set(services)  # NVIDIA's exporter is the business of the machine with the GPU
    for name in ("worker-default", "worker-heavy", "worker-heavy-gpu"):
        assert str(services[name]["environment"]["PROMETHEUS_PORT"]) == str(asked[name])


def test_logs_are_gathered_from_services_and_by_fields_that_exist() -> None:
    services = set(read_yaml(ROOT / "docker-compose.yml")["services"])
    assert set(read_yaml(ROOT / "deploy" / "logs" / "docker-compose.awslogs.yml")["services"]) <= services
    vector = read_yaml(ROOT / "deploy" / "logs" / "vector.yaml")
    fields = set(re.findall(r"parsed\.(\w+)", vector["transforms"]["lines"]["source"]))
    assert fields == {"level", "event"}
    assert fields <= words_of("Logs")
    assert set(vector["sinks"]["loki"]["labels"]) == {"service", "level"}


# ---------------------------------------------------------------------------------------------- who hears of it


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=QueueLong", "severity=critical", "queue=heavy-compute"), "on-call"),
        (("alertname=QueueLong", "severity=warning", "queue=heavy-compute"), "warnings"),
        (("alertname=GpuIdle", "severity=info"), "nobody"),
        (("alertname=Watchdog", "severity=none"), "nobody"),
        (("alertname=SomebodysOwn",), "warnings"),
    ],
)
def test_routes_lead_to_the_right_receiver(labels: tuple[str, ...], receiver: str) -> None:
    told = said("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}", *labels)
    assert receiver in told


def test_alertmanager_takes_the_file_and_no_secret_is_in_it() -> None:
    assert "SUCCESS" in said("amtool", "check-config", ALERTMANAGER)
    text = ALERTMANAGER.read_text()
    assert not re.search(r"https?://|_key:|password:|api_url:|credentials:", text)
    assert set(re.findall(r"_file: (\S+)", text)) == {
        "/etc/alertmanager/secrets/critical_url",
        "/etc/alertmanager/secrets/warning_url",
    }


def test_alerts_that_silence_others_exist() -> None:
    names = {rule["alert"] for rule in alerts()}
    for rule in read_yaml(ALERTMANAGER)["inhibit_rules"]:
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]:
            if found := re.fullmatch(r'alertname =~ "([^"]+)"', matcher):
                assert set(found[1].split("|")) <= names
