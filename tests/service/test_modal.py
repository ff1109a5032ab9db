"""deploy/modal with Modal's own library, as far as that goes without Modal: what is declared, what is run, what is counted."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from deployment import PROGRAM, Backing
from songs import enter, look, take_through

from drumscribe.service.settings import Settings
from drumscribe.service.wiring import build

FILE = Path(__file__).resolve().parents[2] / "deploy" / "modal" / "app.py"


@pytest.fixture(scope="module")
def app() -> Any:
    pytest.importorskip("modal")
    spec = importlib.util.spec_from_file_location("drumscribe_on_modal", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_worker_has_a_card_a_cache_and_its_time(app: Any) -> None:
    listen, start = app.listen._spec_, app.start_workers._spec_
    assert listen.gpus == "A10G"
    assert start.gpus is None
    assert list(listen.volumes) == ["/data/models"]
    # a step that begins at the last moment still ends before Modal ends everything
    assert app.AT_MOST_S + app.STEP_TIMEOUT_S < app.TIMEOUT_S == 600


def test_settings_that_are_named_exist(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(app.settings) - set(Settings.model_fields) == {"TORCH_HOME", "HF_HOME"}  # torch's and Hugging Face's own
    secrets = {
        "DATABASE_URL": "postgresql+psycopg://u:of-ours@db/x",
        "REDIS_URL": "rediss://:of-ours@redis:6379/0",
        "S3_BUCKET": "b",
    }
    for name, value in {**app.settings, **secrets}.items():
        monkeypatch.setenv(name, value)
    assert Settings.model_validate({}).STEP_TIMEOUT_SECONDS == app.STEP_TIMEOUT_S


@pytest.mark.parametrize(
    ("work", "workers", "missing"),
    [(0, 0, 0), (1, 0, 1), (4, 0, 1), (5, 0, 2), (5, 1, 1), (5, 7, 0), (1000, 0, 20), (1000, 19, 1)],
)
def test_workers_are_started_for_the_work_that_waits(app: Any, work: int, workers: int, missing: int) -> None:
    assert app.workers_missing(work, workers) == missing


def test_it_listens_to_what_waits(
    app: Any, backing: Backing, template_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = backing.new_database(template=template_database)
    environment = backing.environment(url, prefix=f"modal{backing.databases}") | {"DATA_DIR": str(tmp_path)}
    environment["PATH"] = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app, "IDLE_S", 2)
    services = build(Settings.model_validate({}))
    jobs = [enter(services) for _ in range(2)]
    for job_id in jobs:
        take_through(services, job_id, until="separate_drums")
    assert app.work_that_waits() == 2
    assert app.run_worker() == 0
    assert [look(services, job_id).step for job_id in jobs] == ["transcribe_and_export"] * 2
    assert app.work_that_waits() == 0
    services.close()
