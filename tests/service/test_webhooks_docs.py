"""What `docs/webhooks.md` tells receivers is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
from receivers import announce, attempts_of, message_of, with_settings
from servers import free_port, wait_until

from drumscribe.service.settings import Settings
from drumscribe.service.webhooks import actions
from drumscribe.service.webhooks.delivery import deliver_webhooks
from drumscribe.service.webhooks.signing import new_secret, sign
from drumscribe.service.wiring import Services

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_receiver_takes_what_is_sent_once_and_nothing_else(services: Services, tmp_path: Path) -> None:
    (example,) = _blocks("python")
    (tmp_path / "receiver.py").write_text(example)
    with services.sessions.write() as session:
        secret = actions.ensure_secret(session, "ip:192.0.2.1").secret
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "DRUMSCRIBE_WEBHOOK_SECRET": secret, "PORT": str(port)}
    sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(f"127.0.0.1:{port}",))
    url = f"http://127.0.0.1:{port}/drumscribe"

    def answers() -> bool:
        try:
            return httpx.get(url).status_code == 501
        except httpx.TransportError:
            return False

    program = [sys.executable, "receiver.py"]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(program, cwd=tmp_path, env=environment, stdout=pipe, stderr=null, text=True) as receiver:
        try:
            wait_until(answers, seconds=20, what="the example receiver answers")
            job_id = announce(sender, url)
            deliver_webhooks(sender)
            with sender.sessions.write() as session:
                message = message_of(sender, job_id)
                actions.resend(session.merge(message))
            deliver_webhooks(sender)
            assert [attempt.status_code for attempt in attempts_of(sender, job_id)] == [204, 204]
            body = b'{"type":"job.completed","data":{"job_id":"forged"}}'
            assert httpx.post(url, content=body, headers=sign("msg_forged", body, [new_secret()])).status_code == 401
        finally:
            receiver.terminate()
            said, _ = receiver.communicate(timeout=20)
    assert said.splitlines() == [f"job.cancelled {job_id}"]


def test_the_payload_that_is_shown_has_the_fields_of_a_real_one(services: Services) -> None:
    (shown,) = [json.loads(block) for block in _blocks("json")]
    real = message_of(services, announce(services, "https://192.0.2.1/")).payload
    assert set(shown) == set(real)
    assert set(shown["data"]) == set(real["data"])


def test_the_waits_and_settings_that_are_told_are_those_in_force() -> None:
    told = re.search(r"at once, then after (.*?), give or take", PAGE)
    assert told is not None
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", told.group(1))]
    defaults = Settings()
    assert tuple(waits) == actions.WAITS_S
    assert len(waits) + 1 == defaults.WEBHOOK_MAX_ATTEMPTS == 10
    assert defaults.WEBHOOK_TIMEOUT_SECONDS == 10
    assert {name for name in Settings.model_fields if name.startswith("WEBHOOK_")} <= set(re.findall(r"WEBHOOK_[A-Z_]+", PAGE))
