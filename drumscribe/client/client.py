"""The client itself: one method for each thing that the server does."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, cast
from urllib.parse import quote
from uuid import UUID, uuid4

from drumscribe.client import types
from drumscribe.client.downloads import download
from drumscribe.client.errors import JobFailed
from drumscribe.client.following import Deadline, follow, version_of
from drumscribe.client.transport import Transport
from drumscribe.errors import FileNotReadable, OptionError

OnEvent = Callable[[types.Event], object]


class DrumScribeClient:
    """A DrumScribe server.

        with DrumScribeClient("https://drums.example.org", api_key="…") as client:
            job = client.create_job("song.mp3", title="My song")
            client.wait(job.id)
            client.download(job.id, "pdf", to="song.pdf")

    Requests that may be repeated are tried again while the server is away, restarts or has no time, for `patience_s` at most.
    One client may be used by several threads.

    Parameters
    ----------
    base_url : str
        Address of the server, with or without `/api/v1`.
    api_key : str, optional
        API key or access token.
    timeout : float
        The server may be silent for so many seconds.
    patience_s : float
        How long a request is tried again.
    """

    def __init__(self, base_url: str, api_key: str | None = None, *, timeout: float = 30.0, patience_s: float = 60.0) -> None:
        self._transport = Transport(base_url, api_key, timeout_s=timeout, patience_s=patience_s)
        self._parameters = (base_url, api_key, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def with_patience(self, patience_s: float) -> DrumScribeClient:
        """Another client of the same server, which tries again for this long."""
        base_url, api_key, timeout = self._parameters
        return DrumScribeClient(base_url, api_key, timeout=min(timeout, max(1.0, patience_s)), patience_s=patience_s)

    # ------------------------------------------------------------------------------------------ jobs

    def create_job(
        self,
        file: str | Path | BinaryIO | None = None,
        *,
        youtube_url: str | None = None,
        filename: str | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> types.NewJob:
        """Have a recording transcribed.

        Parameters
        ----------
        file : path or binary file
            The recording.
        youtube_url : str
            Instead of a file: a link.
        filename : str
            What the recording is called. By default the name of the file.
        idempotency_key : str
            A repeated request with the same key makes no second job. By default one is made up for each call, so that an
            upload whose answer is lost can be sent again.
        **options
            As the API names them: title, bpm, octave, downbeat, time_signature, voices, similes, sections, ghost_notes,
            accents, swing, paper, bars_per_line, model, separation, sensitivity, webhook_url. None: as the server is set.

        Raises
        ------
        ApiError
            If the server refuses the recording, an option, or another job for now.
        """
        if (file is None) == (youtube_url is None):
            raise OptionError("Either a file or a link must be given.")
        fields = {name: value for name, value in options.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        if file is None:
            body = {"youtube_url": youtube_url, **fields}
            response = self._transport.send("POST", "jobs", repeatable=True, json=body, headers=headers)
        else:
            with _opened(file) as (sound, name):
                response = self._transport.send(
                    "POST", "jobs", repeatable=True, headers=headers,
                    data={field: _form_value(value) for field, value in fields.items()},
                    files={"file": (filename or name, sound)},  # rewound by httpx before it is sent
                )  # fmt: skip
        raw = self._transport.read(response)
        replayed = response.headers.get("idempotency-replayed", "").lower() == "true"
        return types.NewJob(str(raw["job_id"]), str(raw["status"]), replayed)

    def job(self, job_id: str) -> types.Job:
        """A job as it is now."""
        return types.read_job(self._transport.json("GET", f"jobs/{_id(job_id)}"))

    def jobs(self, *, status: str | None = None, q: str | None = None, page_size: int = 50) -> Iterator[types.Job]:
        """The caller's jobs, newest first; asked for page by page as they are needed."""
        query: dict[str, Any] = {"limit": page_size, "status": status, "q": q}
        query = {name: value for name, value in query.items() if value is not None}
        while True:
            page = self._transport.json("GET", "jobs", params=query)
            for item in page["items"]:
                yield types.read_job(item)
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def events(self, job_id: str, *, after: int = 0, timeout_s: float | None = None) -> Iterator[types.Event]:
        """What happened to a job after event number `after`, and what happens, until it has ended."""
        return follow(self._transport, _id(job_id), after, Deadline(timeout_s))

    def wait(self, job_id: str, *, on_progress: OnEvent | None = None, timeout_s: float | None = None) -> types.Job:
        """Wait until a job is completed.

        Parameters
        ----------
        job_id : str
            The job.
        on_progress : callable
            Given each `Event` from now on. What it raises ends the wait, not the job.
        timeout_s : float
            Wait so long at most.

        Raises
        ------
        JobFailed
            If it ends in another way.
        WaitTimedOut
            If it has not ended in time.
        """
        response = self._transport.send("GET", f"jobs/{_id(job_id)}")
        job = types.read_job(self._transport.read(response))
        if not job.is_final:
            known = version_of(response.headers.get("etag", ""), 0)
            if on_progress is not None:
                on_progress(types.Event(known, "status", job.status, job.progress, job.stage, job.revision, job.updated_at))
            for event in follow(self._transport, job.id, known, Deadline(timeout_s)):
                if on_progress is not None:
                    on_progress(event)
            job = self.job(job_id)
        if job.status != "completed":
            raise JobFailed(job)
        return job

    def rename(self, job_id: str, title: str) -> types.Job:
        """Give a job another title."""
        return types.read_job(self._transport.json("PATCH", f"jobs/{_id(job_id)}", repeatable=True, json={"title": title}))

    def cancel(self, job_id: str) -> types.Job:
        """Stop a job."""
        return types.read_job(self._transport.json("POST", f"jobs/{_id(job_id)}/cancel"))

    def delete(self, job_id: str) -> None:
        """Stop a job and delete all that belongs to it."""
        self._transport.send("DELETE", f"jobs/{_id(job_id)}")

    # ------------------------------------------------------------------------------------------ results

    def result(self, job_id: str, *, revision: int | None = None) -> types.Result:
        """What was heard in a completed job."""
        return types.read_result(self._transport.json("GET", f"jobs/{_id(job_id)}/result", params=_given(revision=revision)))

    def download(self, job_id: str, format: str, *, to: str | Path, revision: int | None = None, page: int | None = None) -> Path:
        """Save a file of a completed job; it appears when it is whole.

        Parameters
        ----------
        job_id : str
            The job.
        format : str
            As `result(…).downloads` and `.stems` name them: pdf, musicxml, midi, …
        to : path
            A file, or a folder that exists: then the server chooses the name.
        revision : int
            By default the newest.
        page : int
            One page of `svg` or `png`, from 1 on, instead of all in a zip.

        Returns
        -------
        Path
            Where it is.
        """
        query = "&".join(f"{name}={value}" for name, value in _given(revision=revision, page=page).items())
        path = f"jobs/{_id(job_id)}/download/{quote(format, safe='')}{f'?{query}' if query else ''}"
        return download(self._transport, path, Path(to), otherwise=f"{job_id}.{format}")

    def re_engrave(self, job_id: str, *, base_revision: int | None = None, **changes: Any) -> types.Revision:
        """Have a completed job written anew with other options; `wait` then waits for that.

        Parameters
        ----------
        job_id : str
            The job.
        base_revision : int
            The revision that the change is made to; the server refuses if it is no longer the newest. By default the
            newest there is.
        **changes
            The options to change; all others stay.
        """
        base = self.job(job_id).revision if base_revision is None else base_revision
        body = {"base_revision": base, **changes}
        return types.read_revision(self._transport.json("POST", f"jobs/{_id(job_id)}/revisions", json=body))

    def correct(
        self, job_id: str, edits: Sequence[Mapping[str, Any]], *, base_revision: int | None = None, **changes: Any
    ) -> types.Revision:
        """Correct the score of a completed job; `wait` then waits for the new one.

        Parameters
        ----------
        job_id : str
            The job.
        edits : sequence of mapping
            At most 5,000, done in order: `{"op": "add", "bar": 3, "onset": "3/2", "drum": "snare", "velocity": 0.8}`,
            `{"op": "delete", "time": 12.345, "drum": "kick"}`,
            `{"op": "change", "time": 12.345, "drum": "snare", "to": {"drum": "tom_high"}}`,
            `{"op": "confirm", "time": 12.345, "drum": "snare"}`. Bars are counted from 0 as in `score.json`, onsets in
            quarter notes from the bar line; a hit is named by its drum and its time.
        base_revision : int
            The revision that is corrected; the server refuses if it is no longer the newest. By default the newest.
        **changes
            Options to change along with it.

        Raises
        ------
        ApiError
            If a correction does not fit (`invalid_edit`; `errors` says which), or there is a newer revision
            (`revision_conflict`).
        """
        return self.re_engrave(job_id, base_revision=base_revision, edits=[dict(edit) for edit in edits], **changes)

    def revisions(self, job_id: str) -> tuple[types.Revision, ...]:
        """All versions of a job's score."""
        raw = self._transport.json("GET", f"jobs/{_id(job_id)}/revisions")
        return tuple(types.read_revision(one) for one in raw["items"])

    # ------------------------------------------------------------------------------------------ links

    def share(self, job_id: str, *, with_audio: bool = False) -> types.Share:
        """Make a link through which anybody who has it can read the score.

        Parameters
        ----------
        job_id : str
            A completed job.
        with_audio : bool
            Whether the recording and its stems can be heard through it.
        """
        body = {"with_audio": with_audio}
        return types.read_share(self._transport.json("POST", f"jobs/{_id(job_id)}/shares", json=body))

    def shares(self, job_id: str) -> tuple[types.Share, ...]:
        """The links of a job, oldest first."""
        return tuple(map(types.read_share, self._transport.json("GET", f"jobs/{_id(job_id)}/shares")["items"]))

    def revoke_share(self, job_id: str, share_id: str) -> None:
        """Let a link show nothing any more."""
        self._transport.send("DELETE", f"jobs/{_id(job_id)}/shares/{_id(share_id, of='link')}")

    def shared(self, token: str) -> types.Shared:
        """What a link shows. Needs no key."""
        return types.read_shared(self._transport.json("GET", f"shared/{quote(token, safe='')}"))

    def shared_result(self, token: str) -> types.Result:
        """What was heard in the job that a link shows. Needs no key."""
        return types.read_result(self._transport.json("GET", f"shared/{quote(token, safe='')}/result"))

    def download_shared(self, token: str, format: str, *, to: str | Path, page: int | None = None) -> Path:
        """Save a file that a link shows, as `download` does. Needs no key."""
        path = f"shared/{quote(token, safe='')}/download/{quote(format, safe='')}{'' if page is None else f'?page={page}'}"
        return download(self._transport, path, Path(to), otherwise=f"drumscribe.{format}")

    # ------------------------------------------------------------------------------------------ the server

    def health(self) -> types.Health:
        """How the server is, also if it is not well."""
        response = self._transport.send("GET", "health", expect=frozenset({503}))
        return types.read_health(self._transport.read(response))

    def limits(self) -> Mapping[str, Any]:
        """What the server accepts."""
        return cast(Mapping[str, Any], self._transport.json("GET", "limits"))

    def models(self) -> Mapping[str, Any]:
        """The models that can be asked for."""
        return cast(Mapping[str, Any], self._transport.json("GET", "models"))


@contextlib.contextmanager
def _opened(file: str | Path | BinaryIO) -> Generator[tuple[BinaryIO, str]]:
    """A file that can be sent more than once, and its name."""
    if isinstance(file, str | Path):
        try:
            opened = Path(file).open("rb")  # noqa: SIM115 - only the opening may fail for the caller's sake
        except OSError as error:
            raise FileNotReadable(f"{file} cannot be read: {error.strerror}.", path=str(file)) from error
        with opened:
            yield opened, Path(file).name
        return
    name = Path(str(getattr(file, "name", "") or "recording")).name
    if file.seekable():
        yield file, name
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        yield cast(BinaryIO, copy), name


def _form_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _given(**query: int | None) -> dict[str, int]:
    return {name: value for name, value in query.items() if value is not None}


def _id(text: str, *, of: str = "job") -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise OptionError(f"{text!r} is not the id of a {of}.") from error
