"""Webhooks over HTTP: the secret that signs them, and what became of them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from drumscribe.service.api.deps import Reader, WithServices, Writer
from drumscribe.service.api.problems import declared
from drumscribe.service.jobs import queries as jobs
from drumscribe.service.webhooks import actions, queries
from drumscribe.service.webhooks.schemas import WebhookListResponse, WebhookMessageResponse, WebhookSecretResponse

router = APIRouter(tags=["webhooks"])


@router.get("/webhooks/secret", responses=declared(401, 403))
def read_webhook_secret(caller: Writer, services: WithServices, response: Response) -> WebhookSecretResponse:
    """The secret that signs the caller's webhooks; made at the first need."""
    response.headers["Cache-Control"] = "no-store"
    with services.sessions.write() as session:
        return WebhookSecretResponse.of(actions.secret_to_show(session, caller.identifier, services.settings))


@router.post("/webhooks/secret/rotate", responses=declared(401, 403))
def rotate_webhook_secret(caller: Writer, services: WithServices, response: Response) -> WebhookSecretResponse:
    """Replace the secret. The one before it goes on signing as well for 24 hours, so that receivers can change over."""
    response.headers["Cache-Control"] = "no-store"
    with services.sessions.write() as session:
        return WebhookSecretResponse.of(actions.rotate_secret(session, caller.identifier, services.settings))


@router.get("/jobs/{job_id}/webhooks", responses=declared(401, 403, 404))
def list_webhooks(job_id: UUID, caller: Reader, services: WithServices) -> WebhookListResponse:
    """The messages about a job, each with its delivery log."""
    with services.sessions.read() as session:
        job = jobs.find(session, caller, job_id)
        messages = queries.messages_of(session, job.id)
        log = queries.attempts_of(session, messages)
        return WebhookListResponse(items=[WebhookMessageResponse.of(each, log[each.id]) for each in messages])


@router.post("/webhooks/{message_id}/resend", status_code=202, responses=declared(401, 403, 404))
def resend_webhook(message_id: str, caller: Writer, services: WithServices) -> WebhookMessageResponse:
    """Send a message again, now: one that was delivered or given up, or one that waits for its next try."""
    with services.sessions.write() as session:
        message = queries.find_for_change(session, caller, message_id)
        actions.resend(message)
        return WebhookMessageResponse.of(message, queries.attempts_of(session, [message])[message.id])
