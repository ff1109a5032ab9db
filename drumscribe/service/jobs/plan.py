"""The steps of a job, in order: names, queues and statuses as everybody outside knows them."""

from __future__ import annotations

from dataclasses import dataclass

from drumscribe.service.tables import Status

DEFAULT = "default"
HEAVY = "heavy-compute"
QUEUES = (DEFAULT, HEAVY)


@dataclass(frozen=True, slots=True)
class Step:
    """One task's part of the work."""

    name: str  #: also the name of the Celery task
    queue: str
    status: Status  #: what the job is while it runs
    stage: str  #: what logs, metrics and errors call it
    begin: int  #: progress when it starts, in percent
    end: int


INGEST = Step("ingest_audio", DEFAULT, Status.PROCESSING, "ingest", 0, 15)
SEPARATE = Step("separate_drums", HEAVY, Status.SEPARATING_DRUMS, "separation", 15, 50)
PREDICT = Step("predict_hits", HEAVY, Status.PREDICTING, "prediction", 50, 80)
TRANSCRIBE = Step("transcribe_and_export", DEFAULT, Status.TRANSCRIBING, "transcription", 80, 100)

STEPS = (INGEST, SEPARATE, PREDICT, TRANSCRIBE)
BY_NAME = {step.name: step for step in STEPS}
BY_QUEUE = {queue: tuple(step for step in STEPS if step.queue == queue) for queue in QUEUES}


def after(step: Step) -> Step | None:
    """The step that follows; None after the last."""
    place = STEPS.index(step)
    return STEPS[place + 1] if place + 1 < len(STEPS) else None
