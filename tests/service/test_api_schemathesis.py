"""Requests made up from the description, right and wrong ones: the API does what it says, and nothing else."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import RunningApi, running_api

from drumscribe.service.settings import Settings
from drumscribe.service.wiring import build

HERE = Path(__file__).parent
EXAMPLES = 25
#: What was made and deleted is gone, and a deleted job still says how it ended: both are promised. The name that a file
#: is made up with need not be that of a recording, and a description cannot ask for one.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "410", "415", "429"]
"""
#: A stream of events does not end while a job waits, and no worker runs here; it has tests of its own.
LEFT_OUT = "/events"


@pytest.fixture
def api(settings: Settings) -> Iterator[RunningApi]:
    services = build(settings.model_copy(update={"MAX_CONCURRENT_JOBS_PER_USER": 0}))
    services.queue.purge()
    with running_api(services) as running:
        yield running
    services.close()


def of_this_server(description: dict[str, Any]) -> dict[str, Any]:
    """The description with what only this server can know: its models, and which links and addresses are good."""
    told = copy.deepcopy(description)
    schemas = told["components"]["schemas"]
    for name in ("JobCreate", "JobUpload"):
        schemas[name]["properties"]["model"] |= {"enum": ["default"]}
        del schemas[name]["properties"]["webhook_url"]
    schemas["JobCreate"]["properties"]["youtube_url"] |= {"enum": ["https://youtu.be/dQw4w9WgXcQ"]}
    # It goes alone, which a list of properties cannot say; test_corrections_api.py tries it
    del schemas["RevisionCreate"]["properties"]["restore"]
    del schemas["CreateKeyRequest"]["properties"]["expires_at"]
    schemas["CreateKeyRequest"]["properties"]["name"]["pattern"] = "^[ -~]*$"
    creation = told["paths"]["/api/v1/jobs"]["post"]
    creation["requestBody"]["content"]["multipart/form-data"]["encoding"]["file"]["contentType"] = "audio/wav"
    creation["parameters"] = [one for one in creation["parameters"] if one["name"] != "Idempotency-Key"]
    listing = told["paths"]["/api/v1/jobs"]["get"]
    listing["parameters"] = [one for one in listing["parameters"] if one["name"] != "cursor"]
    return told


def test_made_up_requests_find_nothing(api: RunningApi, tmp_path: Path) -> None:
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(of_this_server(httpx.get(f"{api.base_url}/openapi.json").json())), "utf-8")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, "utf-8")
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "run", description, "--url", api.base_url, "--checks", "all"]
    command += ["--exclude-checks", "use_after_free", "--max-examples", str(EXAMPLES)]
    command += ["--exclude-path-regex", LEFT_OUT, "--seed", "1", "--suppress-health-check", "all", "--request-timeout", "30"]
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert done.returncode == 0, "\n".join(line[:500] for line in (done.stdout + done.stderr).splitlines())
