"""deploy/ecs and deploy/railway: the template is sound, and names what the product has; its metric is told for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from deployment import Backing
from moto.server import ThreadedMotoServer
from servers import wait_until
from songs import enter

from drumscribe.service.jobs.plan import DEFAULT, HEAVY
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import build

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TEMPLATE = DEPLOY / "ecs" / "drumscribe.yaml"


class Loader(yaml.SafeLoader):
    """Takes CloudFormation's tags for what they are on: text or lists."""


Loader.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))
RESOURCES: dict[str, Any] = yaml.load(TEMPLATE.read_text("utf-8"), Loader)["Resources"]


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in RESOURCES.items():
        if one["Type"] == "AWS::ECS::TaskDefinition":
            for container in one["Properties"]["ContainerDefinitions"]:
                yield name, container


def test_cfn_lint_has_nothing_to_say() -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "W", "--", str(TEMPLATE)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_checkov_finds_nothing_but_what_is_excepted(tmp_path: Path) -> None:
    program = DEPLOY.parent / ".venv" / "checkov" / "bin" / "checkov"
    if not program.exists():
        pytest.skip("there is no checkov: scripts/setup_ops.sh checkov installs it")
    options = ["--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "-o", "json"]
    done = subprocess.run([program, *options, "-f", TEMPLATE], check=False, capture_output=True, text=True, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 40
    excepted = yaml.safe_load((DEPLOY / "checkov.yaml").read_text("utf-8"))["skip-check"]
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert failed == {name for name in excepted if not name.startswith("CKV_K8S")}


def test_settings_of_both_platforms_exist() -> None:
    named = {one["Name"] for _, container in containers() for one in [*container["Environment"], *container.get("Secrets", [])]}
    assert {"DATABASE_URL", "S3_BUCKET"} < named
    foreign = {"API_URL", "WORKER_QUEUE", "AWS_DEFAULT_REGION"}
    assert named - foreign <= set(Settings.model_fields)
    page = (DEPLOY / "railway" / "README.md").read_text("utf-8")
    railway = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", page))
    assert railway - foreign - {"NEXT_PUBLIC_API_URL"} <= set(Settings.model_fields)


def test_a_service_of_ecs_starts_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"Bucket": "b", "AWS::Region": "eu-central-1", "VpcCidr": "10.0.0.0/16"}
    secrets = {
        "DATABASE_URL": "postgresql+psycopg://u:of-ours@db/x",
        "REDIS_URL": "redis://redis:6379/0",
        "JWT_SECRET": "x" * 40,
    }
    for name, container in containers():
        if name in ("ApiTask", "WorkerDefaultTask", "WorkerHeavyTask", "MigrateTask"):
            for one in container["Environment"]:
                monkeypatch.setenv(one["Name"], given.get(one["Value"], one["Value"]))
            for one in container["Secrets"]:
                monkeypatch.setenv(one["Name"], secrets[one["Name"]])
            assert not Settings.model_validate({}).is_embedded


def test_workers_may_do_what_the_role_of_the_bucket_may_and_nothing_else() -> None:
    [policy] = RESOURCES["TaskRole"]["Properties"]["Policies"]
    wanted = json.loads((DEPLOY / "s3" / "role-policy.json").read_text("utf-8"))
    given = policy["PolicyDocument"]["Statement"]
    assert [one["Action"] for one in given] == [one["Action"] for one in wanted["Statement"]]


def test_workers_are_held_at_as_many_steps_as_on_kubernetes() -> None:
    manifest = DEPLOY / "kubernetes" / "overlays" / "production" / "scaling.yaml"
    for one in yaml.safe_load_all(manifest.read_text("utf-8")):
        if one["kind"] == "ScaledObject":
            name = {"drumscribe-worker-heavy": "WorkerHeavy", "drumscribe-worker-default": "WorkerDefault"}[
                one["metadata"]["name"]
            ]
            policy = RESOURCES[f"{name}Policy"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]
            assert policy["TargetValue"] == float(one["spec"]["triggers"][0]["metadata"]["targetQueryValue"])
            scaling = RESOURCES[f"{name}Scaling"]["Properties"]
            assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (
                one["spec"]["minReplicaCount"],
                one["spec"]["maxReplicaCount"],
            )


def test_cloudwatch_is_told_what_the_rows_say(backing: Backing, template_database: str, tmp_path: Path) -> None:
    url = backing.new_database(template=template_database)
    settings = backing.environment(url, prefix=f"ecs{backing.databases}") | {"DATA_DIR": str(tmp_path)}
    services = build(Settings.model_validate(settings))
    for _ in range(3):
        enter(services)
    services.close()
    [metric] = [container for _, container in containers() if container["Name"] == "metric"]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "eu-central-1"}
    needed = {name: settings[name] for name in ("DATABASE_URL", "REDIS_URL")}  # what the container is given, and no more
    assert {one["Name"] for one in metric["Secrets"]} == set(needed)
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": f"http://{host}:{port}", **keys, **needed}
    [script] = metric["Command"]
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        client = boto3.client(
            "cloudwatch",
            endpoint_url=f"http://{host}:{port}",
            region_name="eu-central-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

        def told(queue: str) -> list[float]:
            now = datetime.now(UTC)
            answer = client.get_metric_statistics(
                Namespace="DrumScribe",
                MetricName="Steps",
                Dimensions=[{"Name": "Queue", "Value": queue}],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=60,
                Statistics=["Maximum"],
            )
            return [point["Maximum"] for point in answer["Datapoints"]]

        wait_until(lambda: bool(told(DEFAULT) and told(HEAVY)), seconds=60, what="CloudWatch is told")
        assert told(DEFAULT) == [3.0]
        assert told(HEAVY) == [0.0]
    finally:
        process.kill()
        process.wait(10)
        server.stop()
