"""DrumScribe on a server, from Python.

Needs the extra `drumscribe[client]`. `DrumScribeClient` is all there is to begin with; what it returns are plain values,
what goes wrong is a `DrumScribeError`.
"""

from drumscribe.client.client import DrumScribeClient
from drumscribe.client.errors import ApiError, ClientError, JobFailed, ServerUnreachable, WaitTimedOut
from drumscribe.client.types import Event, Failure, Health, Job, NewJob, Result, ResultHit, Revision, Share, Shared, Warned

__all__ = [
    "ApiError",
    "ClientError",
    "DrumScribeClient",
    "Event",
    "Failure",
    "Health",
    "Job",
    "JobFailed",
    "NewJob",
    "Result",
    "ResultHit",
    "Revision",
    "ServerUnreachable",
    "Share",
    "Shared",
    "WaitTimedOut",
    "Warned",
]
