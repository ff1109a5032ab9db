"""The outbox is emptied here, by any number of workers at once.

A message is claimed in one transaction, sent outside of any, and its outcome recorded in another. A worker that dies in
between leaves a lease that runs out; the message is then sent again, under the same `webhook-id`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog

from drumscribe.service.errors import InvalidWebhookUrl
from drumscribe.service.observability.metrics import webhook_attempted
from drumscribe.service.settings import Settings
from drumscribe.service.webhooks import actions, queries
from drumscribe.service.webhooks.addresses import find_address, parse_webhook_url
from drumscribe.service.webhooks.sending import Answer, send
from drumscribe.service.webhooks.signing import encode_payload, sign
from drumscribe.service.wiring import Services

_THREADS = 8
_CLAIMING_S = 10.0
#: What a lease lasts beyond the time that a receiver has: finding the name, and the database.
_LEASE_MARGIN_S = 30.0

_log = structlog.get_logger(__name__)


def deliver_webhooks(services: Services, *, limit: int = 100, stopping: threading.Event | None = None) -> int:
    """Send messages that are due.

    Slow receivers cannot hold up the workers: no new message is taken once ten seconds have passed or `stopping` is set,
    and while others have their hands full with messages nobody else begins.

    Returns
    -------
    int
        How many were tried.
    """
    with services.sessions.read() as session:
        due = queries.count_due(session, limit)
        if not due or queries.count_in_flight(session) >= _THREADS:
            return 0
    until = time.monotonic() + _CLAIMING_S

    def deliver_next(_: int) -> bool:
        is_over = time.monotonic() > until or (stopping is not None and stopping.is_set())
        return not is_over and _deliver_one(services)

    with ThreadPoolExecutor(min(_THREADS, due), thread_name_prefix="webhooks") as pool:
        return sum(pool.map(deliver_next, range(due)))


def _deliver_one(services: Services) -> bool:
    settings = services.settings
    with services.sessions.write() as session:
        held = actions.claim(session, lease_s=settings.WEBHOOK_TIMEOUT_SECONDS + _LEASE_MARGIN_S)
        if held is None:
            return False
        keys = actions.secrets_in_force(session, held.owner, settings)
    started = time.monotonic()
    answer = _try(held, keys, settings)
    elapsed_ms = round((time.monotonic() - started) * 1000)
    with services.sessions.write() as session:
        outcome = actions.record(session, held, answer, elapsed_ms=elapsed_ms, settings=settings)
    webhook_attempted(outcome)
    log = _log.info if outcome == "delivered" else _log.warning
    log(
        f"webhook_{outcome}",
        job_id=held.job_id,
        message_id=held.id,
        attempt=held.attempt,
        host=urlsplit(held.url).hostname,
        status_code=answer.status_code,
        error=answer.error,
        elapsed_ms=elapsed_ms,
    )
    return True


def _try(held: actions.Held, keys: Sequence[str], settings: Settings) -> Answer:
    if held.attempt > settings.WEBHOOK_MAX_ATTEMPTS:
        return Answer(error="It was given up: no worker has come back from its last attempt.")
    try:
        receiver = parse_webhook_url(held.url)
        body = encode_payload(held.payload, public_url=settings.PUBLIC_URL)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"DrumScribe/{version('drumscribe')}",
            **sign(held.id, body, keys),
        }
        return send(receiver, find_address(receiver, settings), body, headers, timeout_s=settings.WEBHOOK_TIMEOUT_SECONDS)
    except InvalidWebhookUrl as error:
        return Answer(error=error.message)
