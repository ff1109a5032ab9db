"""The manifests: valid, safe, and in step with the product that they run."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from manifests import KUBERNETES, OVERLAYS, ROOT, containers, of_kind, pod_templates, rendered, rendered_text, selects

from drumscribe.service.jobs.plan import BY_QUEUE, DEFAULT, HEAVY
from drumscribe.service.settings import Settings
from drumscribe.service.worker import NAMES

SCHEMAS = ROOT / "tests" / "schema" / "kubernetes"
OWN_SCHEMAS = {path.stem: json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")}
VERSION = kubernetes_validate.latest_version()
#: Read by others in our containers: OpenMP, the entry point, the web app's server, the image of PostgreSQL.
FOREIGN = {
    *("OMP_NUM_THREADS", "WORKER_QUEUE"),
    *("API_URL", "HOSTNAME", "PORT"),
    *("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "PGDATA"),
}  # fmt: skip
README = (KUBERNETES / "README.md").read_text("utf-8")

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


# ---------------------------------------------------------------------- valid


@each_overlay
def test_manifests_are_valid_to_the_last_field(overlay: str) -> None:
    for one in rendered(overlay):
        kind = one["kind"].lower()
        if kind in OWN_SCHEMAS:
            jsonschema.validate(one, OWN_SCHEMAS[kind])
        else:
            kubernetes_validate.validate(one, VERSION, strict=True)


@each_overlay
def test_what_keda_hands_to_the_autoscaler_is_valid_too(overlay: str) -> None:
    for one in of_kind(overlay, "ScaledObject").values():
        spec = one["spec"]
        made = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "any"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", **spec["scaleTargetRef"]},
                "maxReplicas": spec["maxReplicaCount"],
                "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
            },
        }
        kubernetes_validate.validate(made, VERSION, strict=True)


def test_the_checks_notice_a_wrong_field() -> None:
    deployment = of_kind("production", "Deployment")["drumscribe-api"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSION, strict=True)
    scaled = of_kind("production", "ScaledObject")["drumscribe-worker-heavy"]
    scaled["spec"]["maxReplicas"] = 3
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(scaled, OWN_SCHEMAS["scaledobject"])


def test_checkov_finds_nothing_and_needs_every_exception(tmp_path: Path) -> None:
    program = ROOT / ".venv" / "checkov" / "bin" / "checkov"
    if not program.exists():
        pytest.skip("there is no checkov: scripts/setup_ops.sh checkov installs it")
    files = []
    for overlay in OVERLAYS:
        files.append(tmp_path / f"{overlay}.yaml")
        files[-1].write_text(rendered_text(overlay), "utf-8")
    config = ROOT / "deploy" / "checkov.yaml"
    skipped = yaml.safe_load(config.read_text("utf-8"))["skip-check"]
    options = ["--framework", "kubernetes", "--skip-download", "--compact", "--quiet", "-o", "json"]
    command = [str(program), *options, "-f", *map(str, files)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 1000, report["summary"]
    assert not report["summary"]["parsing_errors"]
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    kubernetes_only = {name for name in skipped if name.startswith("CKV_K8S")}
    assert failed == kubernetes_only


# ---------------------------------------------------------------------- safe


@each_overlay
def test_pods_keep_to_the_restricted_standard_and_are_given_no_token(overlay: str) -> None:
    namespace = of_kind(overlay, "Namespace")["drumscribe"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod, container in containers(overlay):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        context = container["securityContext"]
        assert context == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
        if container["image"].startswith(("drumscribe-", "registry.example.com/drumscribe-")):
            assert pod["securityContext"]["runAsUser"] == 1001, name


@each_overlay
def test_every_container_has_requests_and_limits_and_bounded_scratch(overlay: str) -> None:
    for name, pod, container in containers(overlay):
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), name
        assert {"cpu", "memory", "ephemeral-storage"} <= set(resources["limits"]), name
        room = sum(quantity(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"] if "emptyDir" in volume)
        assert room <= quantity(resources["limits"]["ephemeral-storage"]), name


@each_overlay
def test_everything_that_runs_has_a_budget_and_its_own_network_rules(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget").values()
    policies = of_kind(overlay, "NetworkPolicy")
    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    running = of_kind(overlay, "Deployment", "StatefulSet")
    for name, template in pod_templates(overlay).items():
        labels = template["metadata"]["labels"]
        taking = [budget for budget in budgets if selects(budget["spec"]["selector"], labels)]
        assert len(taking) == (1 if name in running else 0), name
        others = {policy for policy, one in policies.items() if selects(one["spec"]["podSelector"], labels)} - {"deny-all", "dns"}
        assert others, f"{name} can speak to nobody"


@each_overlay
def test_only_who_fetches_links_and_delivers_webhooks_gets_out_and_never_into_private_networks(overlay: str) -> None:
    internet = {}
    for name, policy in of_kind(overlay, "NetworkPolicy").items():
        for rule in policy["spec"].get("egress", []):
            for peer in rule.get("to", [{}]):
                assert peer, f"{name} lets everything out"
                if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    internet[name] = policy
                    closed = [ipaddress.ip_network(part) for part in peer["ipBlock"]["except"]]
                    for inside in ("10.1.2.3", "172.16.9.9", "192.168.0.1", "169.254.169.254", "127.0.0.1", "100.64.0.1"):
                        assert any(ipaddress.ip_address(inside) in network for network in closed), (name, inside)
                    assert not any(ipaddress.ip_address("142.250.1.1") in network for network in closed)
                if ":" in peer.get("ipBlock", {}).get("cidr", ""):
                    network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
                    assert not any(ipaddress.ip_address(inside) in network for inside in ("fd00::1", "fe80::1", "::1")), name
    allowed = {"internet-tls": {"api", "worker-default", "worker-heavy"}, "internet-http": {"worker-default"}}
    for name, policy in internet.items():
        ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        assert ports == ({443} if name == "internet-tls" else {80})
        taken = {
            template["metadata"]["labels"]["app.kubernetes.io/component"]
            for template in pod_templates(overlay).values()
            if selects(policy["spec"]["podSelector"], template["metadata"]["labels"])
        }
        assert taken == allowed[name]
    assert set(internet) == set(allowed)


@each_overlay
def test_no_secret_lies_in_the_repository(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    for _, _, container in containers(overlay):
        for variable in container.get("env", []):
            if re.search("PASSWORD|SECRET|URL$", variable["name"]) and variable["name"] != "API_URL":
                assert "secretKeyRef" in variable["valueFrom"], variable
    assert not re.search(r"://[^/\s:]+:[^/\s@]+@", rendered_text(overlay))


# ---------------------------------------------------------------------- in step with the product


def settings_of(overlay: str) -> dict[str, str]:
    [found] = [one for name, one in of_kind(overlay, "ConfigMap").items() if name.startswith("drumscribe-settings-")]
    return dict(found["data"])


@each_overlay
def test_every_variable_is_a_setting_or_somebody_elses(overlay: str) -> None:
    named = set(settings_of(overlay))
    for _, _, container in containers(overlay):
        named |= {variable["name"] for variable in container.get("env", [])}
    assert named <= set(Settings.model_fields) | FOREIGN


@each_overlay
def test_the_settings_fit_together_with_the_secrets_that_the_readme_lists(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = re.findall(r"^\| `drumscribe-secrets` \| `(\w+)` \|", README, re.MULTILINE)
    assert {"DATABASE_URL", "REDIS_URL", "JWT_SECRET"} <= set(rows) <= set(Settings.model_fields)
    secrets = {
        "DATABASE_URL": "postgresql+psycopg://drumscribe:s3cr3t-of-ours@postgres:5432/drumscribe",
        "REDIS_URL": "redis://redis:6379/0",
        "JWT_SECRET": "x" * 40,
    }
    for name, value in {**settings_of(overlay), **secrets}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.model_validate({})
    assert settings.ENV == "production"
    assert not settings.is_embedded
    assert settings.trusted_networks
    assert (settings.SEPARATION_BACKEND == "demucs") is (overlay == "production-gpu")


@each_overlay
def test_what_is_written_to_is_mounted(overlay: str) -> None:
    settings = settings_of(overlay)
    folders = [settings[name] for name in ("ARTIFACTS_DIR", "MODEL_CACHE_DIR")]
    for name in ("drumscribe-worker-default", "drumscribe-worker-heavy"):
        [container] = pod_templates(overlay)[name]["spec"]["containers"]
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "/tmp" in mounts
        assert all(any(Path(folder).is_relative_to(mount) for mount in mounts) for folder in folders)


@each_overlay
def test_probes_ask_what_the_product_answers(overlay: str) -> None:
    paths = set(json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["paths"])
    health = (ROOT / "drumscribe" / "service" / "api" / "health.py").read_text("utf-8")
    pods = pod_templates(overlay)
    [api] = pods["drumscribe-api"]["spec"]["containers"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz"
    for path in ("/livez", "/readyz"):
        assert path in paths or f'"{path}"' in health
    [web] = pods["drumscribe-frontend"]["spec"]["containers"]
    assert (ROOT / "frontend" / "src" / "app" / web["livenessProbe"]["httpGet"]["path"].lstrip("/")).exists()
    for queue, workload in {DEFAULT: "drumscribe-worker-default", HEAVY: "drumscribe-worker-heavy"}.items():
        [worker] = pods[workload]["spec"]["containers"]
        variables = {one["name"]: one["value"] for one in worker["env"]}
        assert variables["WORKER_QUEUE"] == queue
        assert int(variables["PROMETHEUS_PORT"]) in {port["containerPort"] for port in worker["ports"]}
        [_, _, script] = worker["livenessProbe"]["exec"]["command"]
        assert f"--destination={NAMES[queue]}@$HOSTNAME" in script
        timeout = int(re.search(r"--timeout=(\d+)", script)[1])  # type: ignore[index]
        assert timeout < worker["livenessProbe"]["timeoutSeconds"]


@each_overlay
def test_ports_that_are_named_exist(overlay: str) -> None:
    ports = {}
    for name, _, container in containers(overlay):
        ports[name] = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "httpGet" in container.get(probe, {}):
                assert container[probe]["httpGet"]["port"] in ports[name]
    for name, service in of_kind(overlay, "Service").items():
        [target] = [
            workload
            for workload, template in pod_templates(overlay).items()
            if selects({"matchLabels": service["spec"]["selector"]}, template["metadata"]["labels"])
        ]
        assert all(port["targetPort"] in ports[target] for port in service["spec"]["ports"]), name
    services = of_kind(overlay, "Service")
    for rule in of_kind(overlay, "Ingress")["drumscribe"]["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
            assert path["path"] in {"/", "/api/v1", "/health"}, "what the cluster asks is not for everybody"
    [web] = [one for name, _, one in containers(overlay) if name == "drumscribe-frontend"]
    address = next(variable["value"] for variable in web["env"] if variable["name"] == "API_URL")
    host, port = re.fullmatch(r"http://([\w-]+):(\d+)", address).groups()  # type: ignore[union-attr]
    assert int(port) in {one["port"] for one in services[host]["spec"]["ports"]}


@each_overlay
def test_limits_grace_and_threads_are_those_of_the_checklist(overlay: str) -> None:
    expected = {
        "drumscribe-api": ("2", "512Mi", "256Mi", 30),
        "drumscribe-worker-default": ("2", "1Gi", "512Mi", 120),
        "drumscribe-worker-heavy": ("4", "4Gi", "2Gi", 300),
    }
    for name, (cpu, memory, reserved, grace) in expected.items():
        pod = pod_templates(overlay)[name]["spec"]
        [container] = pod["containers"]
        resources = container["resources"]
        assert (resources["limits"]["cpu"], resources["limits"]["memory"]) == (cpu, memory)
        assert resources["requests"]["memory"] == reserved
        assert pod["terminationGracePeriodSeconds"] == grace
    [heavy] = pod_templates(overlay)["drumscribe-worker-heavy"]["spec"]["containers"]
    variables = {one["name"]: one["value"] for one in heavy["env"]}
    assert variables["MODEL_THREADS"] == variables["OMP_NUM_THREADS"] == heavy["resources"]["limits"]["cpu"]


def test_grace_periods_are_those_of_compose() -> None:
    path = ROOT / "docker-compose.yml"
    if not path.exists():
        pytest.skip("there is no docker-compose.yml yet to compare with")
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    pods = pod_templates("production")
    others = {"celery-beat": "beat"}
    for service in ("api", "worker-default", "worker-heavy", "celery-beat", "frontend"):
        grace = pods[f"drumscribe-{others.get(service, service)}"]["spec"]["terminationGracePeriodSeconds"]
        assert services[service]["stop_grace_period"] == f"{grace}s", service


def test_images_are_named_and_versioned_in_one_place() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        if path.name != "kustomization.yaml":
            for image in re.findall(r"^\s*image: (\S+)", path.read_text("utf-8"), re.MULTILINE):
                assert re.fullmatch(r"[a-z-]+", image), f"{path}: {image}"
    for overlay in OVERLAYS:
        for name, _, container in containers(overlay):
            assert re.search(r":[\w.-]+$", container["image"]), f"{name} of {overlay} has no version"
            assert not container["image"].endswith(":latest")
    heavy = {overlay: pod_templates(overlay)["drumscribe-worker-heavy"]["spec"]["containers"][0]["image"] for overlay in OVERLAYS}
    assert heavy["production"].endswith("-cpu")
    assert heavy["production-gpu"].endswith("-cuda")


# ---------------------------------------------------------------------- scaling


def test_the_api_is_scaled_by_its_cpu_and_workers_by_their_steps() -> None:
    scaler = of_kind("production", "HorizontalPodAutoscaler")["drumscribe-api"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    assert [metric["resource"]["name"] for metric in scaler["metrics"]] == ["cpu"]
    scaled = of_kind("production", "ScaledObject")
    for queue, name in {DEFAULT: "drumscribe-worker-default", HEAVY: "drumscribe-worker-heavy"}.items():
        assert scaled[name]["spec"]["scaleTargetRef"]["name"] == name
        [trigger] = scaled[name]["spec"]["triggers"]
        assert set(re.findall(r"'(\w+)'", trigger["metadata"]["query"])) == {step.name for step in BY_QUEUE[queue]}
    deployments = of_kind("production", "Deployment")
    for name in ("drumscribe-api", *scaled):
        assert "replicas" not in deployments[name]["spec"], "applying again would undo what the scaler did"


def test_connections_of_all_that_may_run_are_within_what_a_small_server_has() -> None:
    """100 is PostgreSQL's default; production says on its page that more than that is needed at full stretch."""
    pool = int(settings_of("production")["DATABASE_POOL_SIZE"])
    api = of_kind("production", "HorizontalPodAutoscaler")["drumscribe-api"]["spec"]["maxReplicas"]
    at_most = api * (pool + 10)
    assert f"{at_most} connections" in README


def test_gpu_workers_ask_for_a_card_and_others_do_not() -> None:
    plain, gpu = (pod_templates(overlay) for overlay in ("production", "production-gpu"))
    [container] = gpu["drumscribe-worker-heavy"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == container["resources"]["requests"]["nvidia.com/gpu"] == "1"
    assert gpu["drumscribe-worker-heavy"]["spec"]["nodeSelector"]
    [toleration] = gpu["drumscribe-worker-heavy"]["spec"]["tolerations"]
    assert (toleration["key"], toleration["effect"]) == ("nvidia.com/gpu", "NoSchedule")
    for name, template in {**plain, **{name: one for name, one in gpu.items() if name != "drumscribe-worker-heavy"}}.items():
        assert "tolerations" not in template["spec"], name
        assert "nvidia.com/gpu" not in json.dumps(template), name


@each_overlay
def test_replicas_are_spread(overlay: str) -> None:
    for name, template in pod_templates(overlay).items():
        rules = template["spec"].get("topologySpreadConstraints", [])
        if name in ("drumscribe-api", "drumscribe-worker-default", "drumscribe-worker-heavy", "drumscribe-frontend"):
            assert {rule["topologyKey"] for rule in rules} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
            assert all(selects(rule["labelSelector"], template["metadata"]["labels"]) for rule in rules)


def quantity(text: Any) -> float:
    """Bytes."""
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return int(number) * 1024.0 ** ("Ki", "Mi", "Gi").index(unit)


def test_the_readme_names_what_is_there() -> None:
    for overlay in OVERLAYS:
        assert f"`overlays/{overlay}`" in README
    for component in (KUBERNETES / "components").iterdir():
        assert f"`components/{component.name}`" in README
