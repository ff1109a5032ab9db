"""How workers learn that a step waits. The row is the truth; a message is a nudge that may be lost, late or doubled.

Without a broker there is nothing to send: the embedded worker looks at the rows. With one, Celery over Redis carries the
name of the step, the job's id and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs.plan import BY_NAME, QUEUES

if TYPE_CHECKING:
    from celery import Celery
    from redis import Redis

    from drumscribe.service.parts import Finding

#: Job priorities are 0-9, higher first; Redis has a list for each of these, lower first.
PRIORITY_STEPS = (0, 3, 6, 9)

#: The command by which workers are asked for a part.
ASK = "drumscribe_part"

#: Nobody knows how many will answer, so the whole time is waited: first a little, for most are quick.
_PATIENCE_S = (0.5, 2.5)


class JobQueue(Protocol):
    """Where messages about waiting steps go."""

    def send(self, step: str, job_id: str, *, priority: int = 0) -> str | None:
        """Say that a step waits. Returns the message's id; None if no message is needed.

        Raises
        ------
        BrokerUnavailable
            If it could not be sent; the sweep will do it later.
        """
        ...

    def depth(self) -> dict[str, int]:
        """Messages that wait in the broker, by queue."""
        ...

    def purge(self) -> int:
        """Throw the messages of both queues away, and nothing else; returns how many there were."""
        ...

    def ask(self, part: str) -> list[Finding]:
        """What the workers that need a part of `drumscribe.service.parts` say of it; empty if none answers."""
        ...


class LocalQueue:
    """No broker: the rows are the queue."""

    def send(self, step: str, job_id: str, *, priority: int = 0) -> str | None:
        """Nothing needs to be sent."""
        return None

    def depth(self) -> dict[str, int]:
        """No message ever waits."""
        return dict.fromkeys(QUEUES, 0)

    def purge(self) -> int:
        """There is nothing to throw away."""
        return 0

    def ask(self, part: str) -> list[Finding]:
        """There is nobody to ask."""
        return []


class CeleryQueue:
    """Messages through Celery and Redis."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._app: Celery | None = None
        self._redis: Redis | None = None

    @property
    def app(self) -> Celery:
        """The Celery application, made on first use."""
        if self._app is None:
            from drumscribe.service.celery_app import make_app

            self._app = make_app(self.url)
        return self._app

    @property
    def redis(self) -> Redis:
        """A client of the broker's Redis, made on first use."""
        if self._redis is None:
            from redis import Redis

            self._redis = Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=3)
        return self._redis

    def send(self, step: str, job_id: str, *, priority: int = 0) -> str | None:
        """Send the name of the step and the job's id to the queue of the step."""
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        try:
            sent = self.app.send_task(
                step, args=(job_id,), queue=BY_NAME[step].queue, priority=9 - priority, ignore_result=True, retry=False
            )
        except (OperationalError, RedisError, OSError) as error:
            raise BrokerUnavailable("The message broker cannot be reached.") from error
        return str(sent.id)

    def depth(self) -> dict[str, int]:
        """Messages that wait in Redis, by queue."""
        from redis.exceptions import RedisError

        try:
            pipe = self.redis.pipeline(transaction=False)
            for queue in QUEUES:
                for name in _lists(queue):
                    pipe.llen(name)
            lengths = iter(pipe.execute())
        except (RedisError, OSError) as error:
            raise BrokerUnavailable("The message broker cannot be reached.") from error
        return {queue: sum(int(next(lengths)) for _ in _lists(queue)) for queue in QUEUES}

    def purge(self) -> int:
        """Delete the lists of both queues from Redis."""
        count = sum(self.depth().values())
        self.redis.delete(*(name for queue in QUEUES for name in _lists(queue)))
        return count

    def ask(self, part: str) -> list[Finding]:
        """Ask all workers at once; those that do not need the part say nothing of it."""
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        answers: list[Finding] = []
        try:
            for patience_s in _PATIENCE_S:
                replies = self.app.control.broadcast(ASK, {"part": part}, reply=True, timeout=patience_s)
                found = [finding for reply in replies or () for finding in reply.values()]
                answers = [(finding[0], finding[1]) for finding in found if isinstance(finding, list)]
                if answers:
                    break
        except (OperationalError, RedisError, OSError) as error:
            raise BrokerUnavailable("The message broker cannot be reached.") from error
        return answers


def _lists(queue: str) -> tuple[str, ...]:
    """The Redis lists of one queue, as kombu names them."""
    return tuple(queue if step == 0 else f"{queue}:{step}" for step in PRIORITY_STEPS)
