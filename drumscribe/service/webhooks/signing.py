"""Signatures after the Standard Webhooks specification (standardwebhooks.com), which has verifiers in many languages."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook


def new_secret() -> str:
    """Make a secret: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def encode_payload(payload: dict[str, Any], *, public_url: str) -> bytes:
    """Write a message down as it is signed and sent; links become whole once it is known how users reach the API."""
    data = dict(payload["data"])
    if public_url and data.get("result_url"):
        data["result_url"] = public_url.rstrip("/") + data["result_url"]
    return json.dumps({**payload, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()


def sign(message_id: str, body: bytes, keys: Sequence[str], *, at: datetime | None = None) -> dict[str, str]:
    """Make the headers of a message: one signature for each secret in force, any of which the receiver may know."""
    moment = at or datetime.now(UTC)
    signatures = [Webhook(key).sign(message_id, moment, body.decode()) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
