"""Fill an installation with finished jobs, to look at lists and to measure with.

    DATA_DIR=… python scripts/seed_test_data.py --jobs 200

Rows, events and revisions are as real ones; with `--song` each job also has its recording, ready to be transcribed again.
The same seed makes the same jobs, but for their ids.
"""

from __future__ import annotations

import argparse
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from drumscribe.service import migrations
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.options import JobOptions, stored
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job, Revision, Status
from drumscribe.service.wiring import Services, build

OUTCOMES = (Status.COMPLETED, Status.COMPLETED, Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.CANCELLED)
WORDS = ("River", "Night", "Engine", "Paper", "Winter", "Signal", "Harbour", "Copper", "Glass", "Meadow")


def add_job(services: Services, chance: random.Random, owner: str, song: Path | None) -> str:
    """Enter one job and take it to an end."""
    job_id, title = str(uuid4()), f"{chance.choice(WORDS)} {chance.choice(WORDS)}"
    outcome = chance.choice(OUTCOMES)
    name = f"original{song.suffix if song else '.mp3'}"
    if song is not None:
        services.storage.save_file(job_id, 1, name, song)
    ended = datetime.now(UTC) - timedelta(minutes=chance.randrange(20 * 60))
    with services.sessions.write() as session:
        options = JobOptions(title=title)
        job = Job(
            id=job_id,
            user_identifier=owner,
            input_type="upload",
            original_filename=f"{title}{Path(name).suffix}",
            input_name=name,
            title=title,
            options=stored(options),
        )
        lifecycle.enter(session, job, stored(options.engraving()))
        job.step, job.sent_at, job.status, job.progress = None, None, outcome, chance.randrange(100)
        job.created_at, job.finished_at = ended - timedelta(seconds=chance.uniform(5, 60)), ended
        if outcome is Status.COMPLETED:
            job.progress, job.revision = 100, 1
            job.duration_seconds, job.sample_rate = chance.uniform(60, 400), 44_100
            job.detected_bpm, job.confidence_score = round(chance.uniform(70, 180), 2), round(chance.uniform(0.6, 0.95), 4)
            job.hit_summary = {"kick": chance.randrange(100, 900), "snare": chance.randrange(100, 500)}
            job.compute_time_ms, job.model_version = chance.randrange(2_000, 20_000), "drums@1.0.0, beats@1.0.0"
        elif outcome is Status.FAILED:
            job.error_code, job.error_message, job.error_stage = "silent_audio", "The recording is silent.", "ingest"
            job.error_retryable = False
        lifecycle.note(session, job)
        revision = session.get_one(Revision, (job_id, 1))
        revision.status = Status.COMPLETED if outcome is Status.COMPLETED else Status.FAILED
        revision.finished_at = ended
    return job_id


def main() -> None:
    """Read the arguments, and fill the installation of the environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=50, help="how many")
    parser.add_argument("--owner", default="ip:127.0.0.1", help="whose they are: ip:…, key:… or user:…")
    parser.add_argument("--song", type=Path, help="a recording for each")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    services = build(Settings())
    migrations.upgrade(services.sessions)
    chance = random.Random(arguments.seed)
    for _ in range(arguments.jobs):
        add_job(services, chance, arguments.owner, arguments.song)
    services.close()
    print(f"{arguments.jobs} jobs of {arguments.owner} were added.")


if __name__ == "__main__":
    main()
