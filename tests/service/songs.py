"""Jobs for tests below HTTP: entered as the API enters them, and taken through their steps in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.options import EngraveOptions, JobOptions, stored
from drumscribe.service.jobs.plan import STEPS
from drumscribe.service.steps import run_step
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services

DEMO = Path(__file__).resolve().parents[2] / "demo" / "demo.flac"


def enter(services: Services, song: Path | bytes = DEMO, *, filename: str = "Demo Song.flac", **changes: Any) -> str:
    """Enter a job with its upload; `changes` are columns, or options."""
    job_id = str(uuid4())
    options = JobOptions(**{name: changes.pop(name) for name in list(changes) if name in JobOptions.model_fields})
    name = f"original{Path(filename).suffix}"
    size = services.storage.save_file(job_id, 1, name, song).size
    values = {"input_type": "upload", "original_filename": filename, "input_name": name, "input_size": size}
    values |= {"user_identifier": "ip:127.0.0.1"} | changes
    with services.sessions.write() as session:
        job = Job(
            id=job_id,
            title=options.title,
            bpm=options.bpm,
            model=options.model,
            options=stored(options),
            **values,
        )
        lifecycle.enter(session, job, stored(options.engraving()))
    return job_id


def take_through(services: Services, job_id: str, *, until: str = "") -> Job:
    """Run the steps that a job waits for, up to and without one of them."""
    for step in STEPS:
        if step.name == until:
            break
        run_step(step.name, job_id, services)
    return look(services, job_id)


def look(services: Services, job_id: str) -> Job:
    """The row as it is now."""
    with services.sessions.read() as session:
        return session.get_one(Job, job_id)


def engrave_again(services: Services, job_id: str, *, base: int = 1, **changes: Any) -> Job:
    """Write a completed job anew and wait for it."""
    with services.sessions.write() as session:
        job = session.get_one(Job, job_id)
        first = JobOptions.model_validate(job.options).engraving()
        options = EngraveOptions.model_validate(first.model_dump() | changes)
        lifecycle.start_revision(session, job, stored(options), base=base)
    run_step(STEPS[-1].name, job_id, services)
    return look(services, job_id)
