"""What the events room asks the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from json import dumps
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from drumscribe.service.tables import Event, Job, Status

#: Events read at once; what is beyond is read the next time.
MOST = 1000
# PostgreSQL plans a list of this length in no time, and SQLite takes no more than 32,766 values in one statement
_CHUNK = 500


@dataclass(frozen=True)
class Message:
    """An event as it goes out. All followers of a job share one object, so it is written out once."""

    seq: int
    type: str
    data: dict[str, Any]
    created_at: datetime

    @property
    def json(self) -> dict[str, Any]:
        """The event as everybody outside sees it."""
        instant = self.created_at.isoformat().replace("+00:00", "Z")
        return {"seq": self.seq, "type": self.type, "data": self.data, "created_at": instant}

    @cached_property
    def text(self) -> str:
        """The event as JSON, in ASCII."""
        return dumps(self.json)

    @cached_property
    def frame(self) -> bytes:
        """The event as one message of an event stream."""
        return f"id: {self.seq}\nevent: {self.type}\ndata: {self.text}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a job saw: how far its log goes, and the events that somebody does not know yet."""

    version: int
    is_final: bool
    messages: tuple[Message, ...] = ()

    def ends_at(self, seq: int) -> bool:
        """Whether nothing follows the event of that number. A log that has grown since the job was read goes on."""
        return self.is_final and seq == self.version


def look(session: Session, job_id: str, *, after: int, limit: int = MOST) -> Look | None:
    """One job and its events after a number. None: there is no such job."""
    return look_at(session, {job_id: after}, limit=limit).get(job_id)


def look_at(session: Session, since: Mapping[str, int], *, limit: int = MOST) -> dict[str, Look]:
    """Look at many jobs at once; each comes with its events after the number given.

    The rows of the jobs are read first: events may be newer than them, never older. A job that is gone is left out, and so
    are the last events when there are more than `limit` of them.
    """
    seen: dict[str, Look] = {}
    ids = list(since)
    for start in range(0, len(ids), _CHUNK):
        rows = session.execute(select(Job.id, Job.version, Job.status).where(Job.id.in_(ids[start : start + _CHUNK])))
        seen |= {job_id: Look(version, Status(status).is_final) for job_id, version, status in rows}
    changed = [job_id for job_id, found in seen.items() if found.version > since[job_id]]
    for start in range(0, len(changed), _CHUNK):
        if limit <= 0:
            break
        wanted = [and_(Event.job_id == job_id, Event.seq > since[job_id]) for job_id in changed[start : start + _CHUNK]]
        rows = session.execute(
            select(Event.job_id, Event.seq, Event.type, Event.data, Event.created_at)
            .where(or_(*wanted))
            .order_by(Event.job_id, Event.seq)
            .limit(limit)
        ).all()
        limit -= len(rows)
        messages: dict[str, list[Message]] = {}
        for job_id, seq, kind, data, created_at in rows:
            messages.setdefault(job_id, []).append(Message(seq, kind, data, created_at))
        for job_id, new in messages.items():
            seen[job_id] = Look(seen[job_id].version, seen[job_id].is_final, tuple(new))
    return seen
