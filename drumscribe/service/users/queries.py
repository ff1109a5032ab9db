"""Every SELECT about users, keys, sessions and limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from drumscribe.service.database import db_now, db_seconds
from drumscribe.service.tables import ACTIVE, ApiKey, Job, LoginFailure, LoginSession, Status, User


def now(session: Session) -> datetime:
    """The instant, by the database's clock."""
    return session.execute(select(db_now())).scalar_one()


def seconds(session: Session) -> float:
    """The same as seconds since 1970."""
    return session.execute(select(db_seconds())).scalar_one()


# ---------------------------------------------------------------------------------------------- users


def user_by_id(session: Session, user_id: str) -> User | None:
    """An account."""
    return session.get(User, user_id)


def user_by_email(session: Session, email: str) -> User | None:
    """An account by its normalised e-mail."""
    return session.scalar(select(User).where(User.email == email))


def user_by_subject(session: Session, subject: str) -> User | None:
    """An account by what its OpenID provider calls it, `issuer|sub`."""
    return session.scalar(select(User).where(User.oidc_subject == subject))


def user_of_session(session: Session, session_id: str) -> User | None:
    """The active owner of a login session in force."""
    return session.scalar(
        select(User)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.id == session_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > db_now(),
            User.is_active,
        )
    )


def login_session(session: Session, session_id: str) -> LoginSession | None:
    """A login session, to be changed by nobody else meanwhile."""
    return session.scalar(select(LoginSession).where(LoginSession.id == session_id).with_for_update())


# ---------------------------------------------------------------------------------------------- keys


def key_by_hash(session: Session, key_hash: str) -> tuple[ApiKey, User | None] | None:
    """A key and the account that it belongs to."""
    row = session.execute(
        select(ApiKey, User).outerjoin(User, User.id == ApiKey.user_id).where(ApiKey.key_hash == key_hash)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def key_by_id(session: Session, key_id: str) -> ApiKey | None:
    """A key by its id, or by the start of it that is shown."""
    if not key_id.isascii() or not key_id.isprintable():
        return None  # PostgreSQL would refuse to look for some such texts
    return session.scalar(select(ApiKey).where(or_(ApiKey.id == key_id, ApiKey.prefix == key_id)).limit(1))


def keys_of(session: Session, user_id: str) -> Sequence[ApiKey]:
    """The keys of an account that are not revoked, newest first."""
    return session.scalars(
        select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.created_at.desc(), ApiKey.id)
    ).all()


def all_keys(session: Session) -> Sequence[tuple[ApiKey, str | None]]:
    """Every key with its owner's e-mail, newest first."""
    rows = session.execute(
        select(ApiKey, User.email).outerjoin(User, User.id == ApiKey.user_id).order_by(ApiKey.created_at.desc(), ApiKey.id)
    )
    return [(key, email) for key, email in rows]


# ---------------------------------------------------------------------------------------------- attempts


def nth_newest_failure(session: Session, subject: str, n: int) -> float | None:
    """When the n-th newest failed attempt of a subject was, in seconds by the database's clock."""
    return session.scalar(
        select(LoginFailure.at).where(LoginFailure.subject == subject).order_by(LoginFailure.at.desc()).offset(n - 1).limit(1)
    )


def newest_failure(session: Session, subject: str) -> int | None:
    """Id of a subject's newest failed attempt."""
    return session.scalar(
        select(LoginFailure.id).where(LoginFailure.subject == subject).order_by(LoginFailure.at.desc()).limit(1)
    )


# ---------------------------------------------------------------------------------------------- jobs


def jobs_of(session: Session, user_id: str) -> Sequence[Job]:
    """All jobs of an account, to be changed by nobody else meanwhile."""
    return session.scalars(select(Job).where(Job.user_id == user_id).order_by(Job.id).with_for_update()).all()


def unfinished_jobs(session: Session, identifier: str) -> Sequence[Job]:
    """What a caller waits for: new songs and re-engravings."""
    return session.scalars(
        select(Job).where(Job.user_identifier == identifier, Job.status.in_(ACTIVE), Job.deleted_at.is_(None))
    ).all()


def jobs_since(session: Session, identifier: str, since: datetime) -> Sequence[datetime]:
    """When a caller's jobs of late were created, newest first. Deleted and cancelled ones count too."""
    return session.scalars(
        select(Job.created_at).where(Job.user_identifier == identifier, Job.created_at > since).order_by(Job.created_at.desc())
    ).all()


def usual_pace(session: Session, *, of_last: int = 20) -> float | None:
    """Seconds of computing per second of music, over the jobs that ended last. None: nothing to judge by."""
    last = (
        select(Job.compute_time_ms, Job.duration_seconds)
        .where(Job.status == Status.COMPLETED, Job.duration_seconds > 0)
        .order_by(Job.finished_at.desc())
        .limit(of_last)
        .subquery()
    )
    computed, heard = session.execute(select(func.sum(last.c.compute_time_ms), func.sum(last.c.duration_seconds))).one()
    return float(computed) / 1000 / float(heard) if computed and heard else None
