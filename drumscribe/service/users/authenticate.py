"""From a request's headers to its caller.

`AUTH_MODE=none` looks at the address alone and ignores credentials. `keys` wants an API key. `jwt` wants an access token of
ours, one of the OpenID provider, or an API key. All come as `Authorization: Bearer …`; a key may come as `X-API-Key` instead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
from starlette.datastructures import Headers

from drumscribe.service.database import Sessions
from drumscribe.service.errors import Unauthenticated
from drumscribe.service.settings import Settings
from drumscribe.service.tables import ApiKey, User
from drumscribe.service.users import actions, queries
from drumscribe.service.users.identity import ACCOUNT_SCOPES, ADMIN, ANONYMOUS_SCOPES, Caller, caller_address
from drumscribe.service.users.keys import PREFIX, fingerprint
from drumscribe.service.users.oidc import provider
from drumscribe.service.users.tokens import read_access_token

#: The last use of a key is noted at most so often: reading must not become writing.
NOTED_EVERY = timedelta(minutes=1)


def authenticate(sessions: Sessions, settings: Settings, headers: Headers, client_host: str | None) -> Caller:
    """Find out who calls. Opens its own short sessions, and none while it waits for an OpenID provider.

    Raises
    ------
    Unauthenticated
        If credentials are needed and are missing, wrong, expired or revoked.
    IdentityProviderUnavailable
        If a token can only be checked with keys that cannot be fetched now.
    """
    if settings.AUTH_MODE == "none":
        address = caller_address(headers, client_host, settings.trusted_networks)
        return Caller(f"ip:{address}", None, ANONYMOUS_SCOPES, False, 0, True)
    secret = _credential(headers)
    if secret.startswith(PREFIX):
        return _by_key(sessions, secret)
    if settings.AUTH_MODE == "jwt":
        if settings.OIDC_ISSUER and _issuer(secret) == settings.OIDC_ISSUER:
            return _by_provider(sessions, settings, secret)
        return _by_session(sessions, settings, secret)
    raise _refused()


def _credential(headers: Headers) -> str:
    authorization = headers.get("authorization")
    if authorization is None:
        secret = headers.get("x-api-key", "").strip()
    else:
        scheme, _, secret = authorization.strip().partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else ""
    if not secret:
        raise Unauthenticated("Credentials are needed: send `Authorization: Bearer` with a key or token.", challenge="Bearer")
    return secret


def _by_key(sessions: Sessions, secret: str) -> Caller:
    with sessions.read() as session:
        found = queries.key_by_hash(session, fingerprint(secret))
        now = queries.now(session)
    if found is None:
        raise _refused()
    key, user = found
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise _refused()
    if user is not None and not user.is_active:
        raise _refused()
    if key.last_used_at is None or key.last_used_at <= now - NOTED_EVERY:
        with sessions.write() as session:
            actions.note_use(session, key)
    return caller_of_key(key, user)


def _by_session(sessions: Sessions, settings: Settings, token: str) -> Caller:
    claims = read_access_token(settings, token)
    if claims is None:
        raise _refused()
    with sessions.read() as session:
        user = queries.user_of_session(session, claims.session_id)
    if user is None or user.id != claims.user_id:
        raise _refused()
    return caller_of_user(user)


def _by_provider(sessions: Sessions, settings: Settings, token: str) -> Caller:
    claims = provider(settings.OIDC_ISSUER).read(token, audience=settings.OIDC_AUDIENCE)
    subject = None if claims is None else _subject(claims)
    if claims is None or subject is None:
        raise _refused()
    with sessions.read() as session:
        user = queries.user_by_subject(session, subject)
    if user is None:
        with sessions.write() as session:
            user = actions.user_of_provider(session, subject, claims)
    if not user.is_active:
        raise _refused()
    return caller_of_user(user)


def caller_of_key(key: ApiKey, user: User | None) -> Caller:
    """What a key may do. A key of an account is never allowed more than its account."""
    scopes = frozenset(key.scopes)
    if user is None:
        return Caller(f"key:{key.id}", None, scopes, ADMIN in scopes, key.priority, False)
    if not user.is_admin:
        scopes -= {ADMIN}
    return Caller(f"user:{user.id}", user.id, scopes, ADMIN in scopes, max(key.priority, user.priority), False)


def caller_of_user(user: User) -> Caller:
    """What the owner of an account may do when signed in."""
    scopes = ACCOUNT_SCOPES | {ADMIN} if user.is_admin else ACCOUNT_SCOPES
    return Caller(f"user:{user.id}", user.id, scopes, user.is_admin, user.priority, False)


def _issuer(token: str) -> str | None:
    try:
        return jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        return None


def _subject(claims: dict[str, Any]) -> str | None:
    subject = f"{claims['iss']}|{claims['sub']}"
    return subject if len(subject) <= 255 and subject.isprintable() else None


def _refused() -> Unauthenticated:
    return Unauthenticated("The credentials are not valid, or no longer.", challenge='Bearer error="invalid_token"')
