"""Access and refresh tokens of password logins.

An access token is a JWT that lives for minutes; it names its login session, which is looked up each time, so that signing
out takes effect at once. A refresh token is a random secret beside the name of its session, replaced on every use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import jwt

from drumscribe.service.settings import Settings
from drumscribe.service.users.keys import new_secret

ISSUER = "drumscribe"
AUDIENCE = "drumscribe-api"
_ALGORITHM = "HS256"
#: Clocks of API replicas may differ by so much.
LEEWAY_S = 5
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_REFRESH_TOKEN = re.compile(f"ds_refresh_({_UUID})_[0-9A-Za-z]{{43}}")


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token of ours says."""

    user_id: str
    session_id: str


def new_access_token(settings: Settings, *, user_id: str, session_id: str, now: datetime) -> str:
    """Sign an access token that lives for `JWT_ACCESS_MINUTES`."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user_id,
        "sid": session_id,
        "jti": uuid4().hex,
        "iat": now,
        "exp": now + timedelta(minutes=settings.JWT_ACCESS_MINUTES),
    }
    return jwt.encode(claims, settings.JWT_SECRET.get_secret_value(), algorithm=_ALGORITHM, headers={"typ": "at+jwt"})


def read_access_token(settings: Settings, token: str) -> AccessClaims | None:
    """Check a token's signature, times, issuer and audience. None: it is not valid."""
    try:
        claims = jwt.decode(
            token,
            settings.JWT_SECRET.get_secret_value(),
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "sid", "jti"]},
        )
    except jwt.InvalidTokenError:
        return None
    return AccessClaims(str(claims["sub"]), str(claims["sid"])) if re.fullmatch(_UUID, str(claims["sid"])) else None


def new_refresh_token(session_id: str) -> str:
    """Make the next refresh token of a session."""
    return f"ds_refresh_{session_id}_{new_secret()}"


def session_of(refresh_token: str) -> str | None:
    """The session that a refresh token claims to belong to."""
    parts = _REFRESH_TOKEN.fullmatch(refresh_token)
    return None if parts is None else parts[1]
