"""Changes to users, keys and sessions. Nothing here commits."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from drumscribe.service.database import db_now, db_seconds, hold
from drumscribe.service.errors import EmailTaken, TooManyAttempts, TooManyKeys
from drumscribe.service.jobs.actions import remove
from drumscribe.service.settings import Settings
from drumscribe.service.tables import ApiKey, LoginFailure, LoginSession, User, WebhookSecret
from drumscribe.service.users import queries
from drumscribe.service.users.keys import SHOWN, fingerprint, new_key
from drumscribe.service.users.tokens import new_access_token, new_refresh_token, session_of

#: Attempts are counted over so long.
WINDOW_S = 900.0
#: Failed attempts within the window, for one e-mail and from one address.
ATTEMPTS_PER_EMAIL = 10
ATTEMPTS_PER_ADDRESS = 50
#: Accounts made from one address within the window.
SIGNUPS_PER_ADDRESS = 10
#: Keys of one account that are in force.
KEYS_PER_USER = 50


@dataclass(frozen=True, slots=True)
class Tokens:
    """What somebody who has signed in is given."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int  #: seconds, of the access token
    session_expires_in: int  #: seconds, of the refresh token


# ---------------------------------------------------------------------------------------------- users


def normal_email(email: str) -> str:
    """The one way to write an e-mail address. ValueError if it is none."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def create_user(
    session: Session, *, email: str, name: str = "", password_hash: str | None, is_admin: bool = False, priority: int = 0
) -> User:
    """Make an account. The e-mail must be normal already."""
    hold(session, f"email:{email}")
    if queries.user_by_email(session, email) is not None:
        raise EmailTaken("There is an account with this e-mail already.")
    user = User(
        id=str(uuid4()), email=email, name=name, password_hash=password_hash, is_admin=is_admin, is_active=True, priority=priority
    )
    session.add(user)
    session.flush()
    session.refresh(user)
    return user


def user_of_provider(session: Session, subject: str, claims: dict[str, Any]) -> User:
    """The account of somebody whom the OpenID provider vouches for; made when first seen.

    An e-mail that another account has stays with it: whoever gives out addresses at the provider must not get into accounts
    that sign in with a password.
    """
    hold(session, f"subject:{subject}")
    user = queries.user_by_subject(session, subject)
    if user is not None:
        return user
    email = _verified_email(claims)
    if email is not None:
        hold(session, f"email:{email}")
        if queries.user_by_email(session, email) is not None:
            email = None
    name = str(claims.get("name") or "")
    user = User(
        id=str(uuid4()),
        email=email,
        name="".join(letter for letter in name if letter.isprintable())[:200],
        oidc_subject=subject,
        is_admin=False,
        is_active=True,
        priority=0,
    )
    session.add(user)
    session.flush()
    return user


def replace_hash(session: Session, user: User, password_hash: str) -> None:
    """Let another password, or the same hashed anew, open an account."""
    session.execute(
        update(User).where(User.id == user.id).values(password_hash=password_hash),
        execution_options={"synchronize_session": False},
    )


def close_account(session: Session, user_id: str) -> list[str]:
    """Remove an account with its keys and sessions; its jobs are stopped and deleted. Returns their ids: files are left to purge.

    The rows of the jobs stay, empty and nobody's, until the cleanup has removed whatever a worker may still be saving.
    """
    jobs = queries.jobs_of(session, user_id)
    for job in jobs:
        job.webhook_url = None  # nobody is left to tell
        remove(session, job)
        job.user_id = None
    session.flush()
    session.execute(delete(WebhookSecret).where(WebhookSecret.owner == f"user:{user_id}"))
    session.execute(delete(User).where(User.id == user_id))
    return [job.id for job in jobs]


def _verified_email(claims: dict[str, Any]) -> str | None:
    if claims.get("email_verified") is not True:
        return None
    try:
        return normal_email(str(claims.get("email", "")))
    except ValueError:
        return None


# ---------------------------------------------------------------------------------------------- keys


def create_key(
    session: Session,
    *,
    user_id: str | None,
    name: str,
    scopes: frozenset[str],
    expires_at: datetime | None = None,
    priority: int = 0,
) -> tuple[ApiKey, str]:
    """Make a key; returns its row and the key itself, which is not kept."""
    if user_id is not None:
        hold(session, f"keys:{user_id}")
        if len(queries.keys_of(session, user_id)) >= KEYS_PER_USER:
            raise TooManyKeys(f"An account has at most {KEYS_PER_USER} keys; revoke one that is not used.", limit=KEYS_PER_USER)
    secret = new_key()
    key = ApiKey(
        id=str(uuid4()),
        user_id=user_id,
        name=name,
        prefix=secret[:SHOWN],
        key_hash=fingerprint(secret),
        scopes=sorted(scopes),
        priority=priority,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    session.refresh(key)
    return key, secret


def revoke_key(session: Session, key: ApiKey) -> None:
    """Let a key open nothing from now on."""
    if key.revoked_at is None:
        key.revoked_at = db_now()
        session.flush()
        session.refresh(key)


def note_use(session: Session, key: ApiKey) -> None:
    """Note that a key was used just now, unless another request has noted it meanwhile."""
    seen = ApiKey.last_used_at.is_(None) if key.last_used_at is None else ApiKey.last_used_at == key.last_used_at
    session.execute(
        update(ApiKey).where(ApiKey.id == key.id, seen).values(last_used_at=db_now()),
        execution_options={"synchronize_session": False},
    )


# ---------------------------------------------------------------------------------------------- attempts


def count_login(session: Session, *, email: str, address: str) -> None:
    """Count an attempt to sign in as failed, before the password is looked at; `forgive` takes it back.

    So no more guesses than allowed are ever under way, however many come at once, and nothing is locked while a password
    is hashed. An attempt that is refused here does not count: the lock ends though somebody goes on trying.
    """
    _count(session, f"email:{email}", ATTEMPTS_PER_EMAIL, "There were too many failed attempts to sign in to this account.")
    _count(session, f"ip:{address}", ATTEMPTS_PER_ADDRESS, "There were too many failed attempts to sign in from here.")


def count_signup(session: Session, *, address: str) -> None:
    """Count an account that is about to be made."""
    _count(session, f"signup:{address}", SIGNUPS_PER_ADDRESS, "There were too many accounts made from here of late.")


def forgive(session: Session, *, email: str, address: str) -> None:
    """Forget the failures of an account whose owner got in, and one of the place where that was."""
    session.execute(delete(LoginFailure).where(LoginFailure.subject == f"email:{email}"))
    newest = queries.newest_failure(session, f"ip:{address}")
    if newest is not None:
        session.execute(delete(LoginFailure).where(LoginFailure.id == newest))


def _count(session: Session, subject: str, allowed: int, sentence: str) -> None:
    hold(session, f"attempts:{subject}")
    now = queries.seconds(session)
    limiting = queries.nth_newest_failure(session, subject, allowed)
    if limiting is not None and limiting + WINDOW_S > now:
        raise TooManyAttempts(f"{sentence} Try again later.", retry_after_s=limiting + WINDOW_S - now)
    session.add(LoginFailure(subject=subject, at=now))
    session.flush()


def forget_old(session: Session) -> None:
    """Remove attempts that no longer count and sessions that ended a while ago."""
    session.execute(delete(LoginFailure).where(LoginFailure.at < db_seconds() - WINDOW_S))
    before = queries.now(session) - timedelta(days=7)
    session.execute(delete(LoginSession).where(or_(LoginSession.revoked_at < before, LoginSession.expires_at < before)))


# ---------------------------------------------------------------------------------------------- sessions


def sign_in(session: Session, settings: Settings, user: User) -> Tokens:
    """Open a login session."""
    now = queries.now(session)
    login = LoginSession(id=str(uuid4()), user_id=user.id)
    session.add(login)
    return _renew(session, settings, login, user, now)


def renew(session: Session, settings: Settings, refresh_token: str) -> Tokens | None:
    """Give the next pair of tokens for the one in force. None: it is not.

    A token that was replaced before is in the wrong hands, or its successor is: the session ends. The caller must commit
    that, and only then refuse.
    """
    session_id = session_of(refresh_token)
    login = None if session_id is None else queries.login_session(session, session_id)
    if login is None:
        return None
    now = queries.now(session)
    user = queries.user_by_id(session, login.user_id)
    if login.revoked_at is not None or login.expires_at <= now or user is None or not user.is_active:
        return None
    if not hmac.compare_digest(login.token_hash, fingerprint(refresh_token)):
        login.revoked_at = now
        return None
    return _renew(session, settings, login, user, now)


def sign_out(session: Session, refresh_token: str) -> None:
    """End the session that a refresh token belongs to, if it is the one in force or once was."""
    session_id = session_of(refresh_token)
    login = None if session_id is None else queries.login_session(session, session_id)
    if login is not None and login.revoked_at is None:
        login.revoked_at = queries.now(session)


def sign_out_everywhere(session: Session, user_id: str) -> None:
    """End all sessions of an account."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=db_now()),
        execution_options={"synchronize_session": False},
    )


def _renew(session: Session, settings: Settings, login: LoginSession, user: User, now: datetime) -> Tokens:
    refresh_token = new_refresh_token(login.id)
    login.token_hash = fingerprint(refresh_token)
    login.expires_at = now + timedelta(days=settings.JWT_REFRESH_DAYS)
    session.flush()
    access_token = new_access_token(settings, user_id=user.id, session_id=login.id, now=now)
    lives = timedelta(minutes=settings.JWT_ACCESS_MINUTES), timedelta(days=settings.JWT_REFRESH_DAYS)
    return Tokens(user, access_token, refresh_token, *(round(life.total_seconds()) for life in lives))
