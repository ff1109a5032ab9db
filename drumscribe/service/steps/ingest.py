"""The first step: from an upload or a link to sound that has been decoded and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from drumscribe.outputs import clean_title
from drumscribe.service import malware
from drumscribe.service.decoder import decode_apart
from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.steps.work import AUDIO, Done, Work, content_type
from drumscribe.service.tables import Artifact, Job
from drumscribe.types import Progress

#: A link is read at most to this many times the size that an upload may have: sound comes with the pictures at times.
_ROOM_FOR_PICTURES = 4


def ingest_audio(work: Work) -> Done:
    """Fetch what a link leads to, decode it in a process of its own, and keep the sound as FLAC."""
    job, storage = work.job, work.services.storage
    values: dict[str, Any] = {}
    original, name, title = _fetch(work) if job.input_type == "youtube" else (None, job.input_name or "", "")
    if original is not None:
        values |= {"input_name": name, "input_size": original.size}
    options = work.options().ingest
    with storage.get_file_path(job.id, 1, name) as path:
        decoded = decode_apart(
            _named(path, work.scratch, title or job.original_filename or name),
            work.scratch / AUDIO,
            options=options,
            timeout_s=120 + options.max_duration_s / 4,
            check=work.check,
        )
    work.on_progress(Progress("ingest", 0.9))
    sound = work.save(AUDIO, work.scratch / AUDIO, "input", "audio")
    stem = Path(job.original_filename or "").stem
    found = clean_title(title) or clean_title(decoded.title) or clean_title(stem)
    values["title"] = func.coalesce(func.nullif(Job.title, ""), found)  # it may have been given a name meanwhile
    values |= {"duration_seconds": decoded.duration_seconds, "sample_rate": decoded.sample_rate}
    return Done(values, tuple(_not_entered(work, (original or _upload(work), sound))))


def _fetch(work: Work) -> tuple[NewArtifact, str, str]:
    """Download what a link leads to; its artifact, its name and its title."""
    from drumscribe.youtube import download_youtube_audio

    settings, job = work.services.settings, work.job
    fetched = download_youtube_audio(
        job.youtube_url or "",
        work.scratch / "download",
        timeout_s=settings.YOUTUBE_TIMEOUT_SECONDS,
        max_duration_s=settings.MAX_DURATION_SECONDS,
        max_file_size_mb=settings.MAX_FILE_SIZE_MB * _ROOM_FOR_PICTURES,
        cookies_file=settings.YOUTUBE_COOKIES_FILE,
        proxy=settings.YOUTUBE_PROXY or None,
        extractor_args=settings.YOUTUBE_EXTRACTOR_ARGS or None,
        any_site=settings.YOUTUBE_ANY_SITE,
        allowed_endpoints=settings.YOUTUBE_ALLOWED_ENDPOINTS,
        on_progress=lambda progress: work.on_progress(Progress("ingest", 0.6 * progress.fraction)),
    )
    malware.scan(settings, fetched.path, name=fetched.path.name, source="link", job_id=job.id)
    name = f"original{fetched.path.suffix.lower()}"
    return work.save(name, fetched.path, "input", "original"), name, fetched.title


def _upload(work: Work) -> NewArtifact:
    name = work.job.input_name or ""
    size = work.services.storage.file_size(work.job.id, 1, name)
    return NewArtifact(name, "input", content_type(name), size, "original")


def _named(path: Path, scratch: Path, name: str) -> Path:
    """The file under the name that its owner knows it by, for messages."""
    cleaned = "".join(c if c.isprintable() and c != "/" else "_" for c in name)[:60].strip(" .")
    link = scratch / (cleaned or "recording")
    link.symlink_to(path.absolute())
    return link


def _not_entered(work: Work, artifacts: tuple[NewArtifact, ...]) -> list[NewArtifact]:
    """Without those that were entered with the upload."""
    with work.services.sessions.read() as session:
        known = set(session.scalars(select(Artifact.name).where(Artifact.job_id == work.job.id, Artifact.revision == 1)))
    return [artifact for artifact in artifacts if artifact.name not in known]
