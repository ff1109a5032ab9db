"""The description of the API: kept in the repository, true, and shown without anybody else's help."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import running_api

from drumscribe.service import errors
from drumscribe.service.api.problems import TABLE, row_of
from drumscribe.service.wiring import Services

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in DESCRIPTION["paths"].items() for method, one in methods.items()]


def test_the_description_in_the_repository_is_what_the_code_serves() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "openapi.py", "--check"], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_every_operation_has_a_name_of_its_own_that_a_client_can_use() -> None:
    names = [one["operationId"] for _, _, one in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-zA-Z]+", name) for name in names)
    assert {"createJob", "getJob", "getJobResult", "downloadFile", "cancelJob", "deleteJob", "listJobs"} <= set(names)


def test_every_error_is_described_as_a_problem() -> None:
    for path, method, one in operations():
        if path in ("/livez", "/readyz", "/api/v1/health"):
            continue
        for status, answer in one["responses"].items():
            if status.startswith(("4", "5")):
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, f"{method} {path} {status}"
                assert list(answer["content"]) == ["application/problem+json"], f"{method} {path} {status}"


def test_both_ways_to_make_a_job_are_described() -> None:
    content = DESCRIPTION["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    schemas = DESCRIPTION["components"]["schemas"]
    assert schemas["JobUpload"]["required"] == ["file"]
    assert {"file", "title", "bpm", "webhook_url", "model"} <= set(schemas["JobUpload"]["properties"])
    assert "youtube_url" in schemas["JobCreate"]["required"]


def test_every_error_of_the_service_has_a_status() -> None:
    def all_of(kind: type[errors.ServiceError]) -> list[type[errors.ServiceError]]:
        return [kind, *(one for sub in kind.__subclasses__() for one in all_of(sub))]

    unmapped = {
        kind.__name__ for kind in all_of(errors.ServiceError) if row_of(kind("x"))[0] == 500 and kind not in TABLE
    } - {"ServiceError", "StepCrashed"}  # fmt: skip
    assert unmapped == set()


@pytest.mark.parametrize("mode", ["embedded"], indirect=True)
def test_the_documentation_loads_nothing_from_elsewhere(services: Services) -> None:
    with running_api(services) as api:
        page = httpx.get(f"{api.base_url}/docs")
        assert page.status_code == 200
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text) + re.findall(r"url: '([^']+)'", page.text)
        assert len(links) >= 3
        for link in links:
            assert not link.startswith(("http", "//")), link
            assert httpx.get(f"{api.base_url}/{link}").status_code == 200, link
        assert httpx.get(f"{api.base_url}/openapi.json").json() == DESCRIPTION
