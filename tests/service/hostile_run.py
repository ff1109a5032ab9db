"""Sends tampered uploads to a running, embedded product and asks afterwards whether all is well with it.

Nothing may answer 5xx or hang up, every accepted job ends with a reason and in time, the same API lives on, and memory, files,
threads, processes and folders are at the end as they were after the first uploads.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from deployment import EMBEDDED, FINAL, Deployment
from mutations import Mutator, Upload

#: What a tampered upload may be answered with.
ALLOWED = frozenset({202, 400, 413, 415, 422})
#: Why a job may fail: something is wrong with its recording.
REASONS = frozenset({
    "unreadable_audio", "audio_too_short", "audio_too_long", "sample_rate_too_low", "silent_audio", "non_finite_audio",
})  # fmt: skip
#: Lines of the log that must not be there.
ALARMS = (
    "request_crashed",
    "request_failed",
    "step_crashed",
    "worker_thread_failed",
    "process_died",
    "step_took_too_long",
    "Traceback",
)
#: Lines that need an explanation, and are counted.
REMARKS = ("side_process_restarted", "probe_failed", "worker_leaves", "step_will_be_retried", "files_not_deleted")

SENDERS = 4
#: After so many uploads everything is looked at again.
_SLICE = 900
#: More jobs than this wait: no further uploads for the moment.
_BACKLOG = 30
#: A job of six seconds, from its first step to its last, on a busy machine.
JOB_S = 90.0
#: What may be more at the end than after the warm-up.
MORE_MEMORY = 80_000_000
MORE_FILES, MORE_THREADS = 12, 12


@dataclass(frozen=True)
class Resources:
    """What a process holds."""

    pid: int
    memory: int
    files: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> Resources:
        """As it is now."""
        with process.oneshot():
            return cls(process.pid, process.memory_info().rss, process.num_fds(), process.num_threads())

    def __str__(self) -> str:
        return f"{self.memory / 1e6:.0f} MB, {self.files} files, {self.threads} threads (pid {self.pid})"


@dataclass
class Findings:
    """What came of it."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])  #: (status, problem code)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])  #: (job status, error code)
    remarks: Counter[str] = field(default_factory=Counter[str])
    accepted: dict[str, int] = field(default_factory=dict[str, int])  #: job → number of its upload
    slowest_answer_s: float = 0.0
    slowest_job_s: float = 0.0
    resources: list[tuple[int, dict[str, Resources]]] = field(default_factory=list[tuple[int, dict[str, Resources]]])
    wrong: list[str] = field(default_factory=list[str])


class HostileRun:
    """One deployment and everything that is sent to it.

    Parameters
    ----------
    folder : Path
        Data, logs and temporary files of the deployment; uploads that something is wrong with are kept here.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        # Without pages a transcription takes a second; small limits keep the largest recordings small
        settings = {"PDF_BACKEND": "none", "TMPDIR": str(self.temporary), "MAX_FILE_SIZE_MB": "3"}
        self.deployment = Deployment(EMBEDDED, folder, settings=settings)
        self.mutator = Mutator(seed)
        self.found = Findings()

    def run(self, numbers: range, *, warm_up: int) -> Findings:
        """Send the uploads of these numbers; after `warm_up` of them, and then at times, everything is looked at at rest."""
        with self.deployment:
            self.api = psutil.Process(self.deployment.processes["api"].pid)
            with self.deployment.client() as self.client, ThreadPoolExecutor(SENDERS) as pool:
                for some in self._slices(numbers, warm_up):
                    list(pool.map(self._send, some))
                    self._come_to_rest()
                self._inspect_jobs()
            self._inspect_folders()
            self._compare_resources()
        self._read_log()
        return self.found

    def _slices(self, numbers: range, warm_up: int) -> Iterator[range]:
        yield numbers[:warm_up]
        for start in range(warm_up, len(numbers), _SLICE):
            yield numbers[start : start + _SLICE]

    # ------------------------------------------------------------------ sending
    def _send(self, number: int) -> None:
        upload = self.mutator.upload(number)
        started = time.monotonic()
        if upload.sent is not None:
            hang_up(self.deployment.port, upload, upload.sent)
            self.found.answers["hung up", ""] += 1
            return
        content = (
            (upload.body[start : start + 10_000] for start in range(0, len(upload.body), 10_000))
            if upload.is_chunked
            else upload.body
        )
        headers = httpx.Headers(upload.headers, encoding="latin-1")
        try:
            # One connection each: whether one that was idle for long is still there is not the question
            answer = httpx.post(f"{self.deployment.base_url}/api/v1/jobs", content=content, headers=headers, timeout=60)
        except httpx.HTTPError as error:
            self.found.answers["no answer", type(error).__name__] += 1
            self._wrong(f"no answer: {error!r}", upload)
            return
        self.found.slowest_answer_s = max(self.found.slowest_answer_s, time.monotonic() - started)
        self._judge(answer, upload)

    def _judge(self, answer: httpx.Response, upload: Upload) -> None:
        status = answer.status_code
        code = ""
        if status == 202:
            job_id = answer.json()["job_id"]
            if job_id in self.found.accepted:
                code = "replayed" if answer.headers.get("Idempotency-Replayed") == "true" else ""
            self.found.accepted.setdefault(job_id, upload.number)
        elif answer.headers.get("content-type") != "application/problem+json":
            self._wrong(f"{status} that is no problem: {answer.text[:200]}", upload)
        else:
            problem = answer.json()
            code = problem["code"]
            if problem["status"] != status or not problem["detail"] or str(self.folder) in answer.text:
                self._wrong(f"a problem that is not right: {answer.text[:500]}", upload)
        if status not in ALLOWED:
            self._wrong(f"answered with {status}: {answer.text[:500]}", upload)
        self.found.answers[str(status), code] += 1
        while status == 202 and self._unfinished() > _BACKLOG:
            time.sleep(0.2)

    def _wrong(self, what: str, upload: Upload) -> None:
        self.found.wrong.append(f"upload {upload.number} ({', '.join(upload.what)}): {what}")
        (self.folder / f"upload-{upload.number}.bin").write_bytes(upload.body)
        (self.folder / f"upload-{upload.number}.json").write_text(json.dumps([upload.what, upload.headers], indent=1))

    # ------------------------------------------------------------------ looking at it
    def _unfinished(self) -> int:
        count = 0
        for status in ("queued", "processing", "predicting", "transcribing"):
            count += len(self.client.get("jobs", params={"status": status, "limit": 100}).json()["items"])
        return count

    def _come_to_rest(self) -> None:
        deadline = time.monotonic() + _BACKLOG * JOB_S
        last, moved = -1, time.monotonic()
        while unfinished := self._unfinished():
            if unfinished != last:
                last, moved = unfinished, time.monotonic()
            if time.monotonic() > deadline or time.monotonic() - moved > JOB_S:
                self.found.wrong.append(f"{unfinished} jobs are stuck")
                break
            time.sleep(0.2)
        time.sleep(2.0)  # connections that were hung up, files that are being removed
        sent = sum(self.found.answers.values())
        self.found.resources.append((sent, {name: Resources.of(process) for name, process in self._family().items()}))

    def _family(self) -> dict[str, psutil.Process]:
        """API, worker and the processes beside the API, numbered where there are several; a stranger goes by its command."""
        known = {"service.embedded": "worker", "spawn_main": "side process", "resource_tracker": "resource tracker"}
        family = {"api": self.api}
        for process in self.api.children(recursive=True):
            command = " ".join(process.cmdline()) or "ended, not waited for"
            name = next((name for word, name in known.items() if word in command), command)
            family[name if name not in family else f"{name} {sum(other.startswith(name) for other in family) + 1}"] = process
        return family

    def _inspect_jobs(self) -> None:
        for job_id, number in self.found.accepted.items():
            answer = self.client.get(f"jobs/{job_id}")
            job: dict[str, Any] = answer.json() if answer.status_code == 200 else {"status": f"answers {answer.status_code}"}
            code = str((job.get("error") or {}).get("code", ""))
            self.found.ends[job["status"], code] += 1
            upload = self.mutator.upload(number)
            if job["status"] not in FINAL:
                self._wrong(f"its job has not ended: {job}", upload)
                continue
            took = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])).total_seconds()
            self.found.slowest_job_s = max(self.found.slowest_job_s, took)
            if took > JOB_S:
                self._wrong(f"its job took {took:.0f} s", upload)
            if job["status"] == "failed" and (
                code not in REASONS or not job["error"]["message"] or "/" in job["error"]["message"]
            ):
                self._wrong(f"its job failed without a good reason: {job['error']}", upload)
            if job["status"] == "completed":
                self._inspect_result(job_id, upload)

    def _inspect_result(self, job_id: str, upload: Upload) -> None:
        for path in ("result", "download/musicxml", "download/original", "events?format=json"):
            answer = self.client.get(f"jobs/{job_id}/{path}")
            if answer.status_code != 200 or not answer.content:
                self._wrong(f"{path} of its job answers {answer.status_code}: {answer.text[:200]}", upload)

    def _inspect_folders(self) -> None:
        artifacts = self.folder / "data" / "artifacts"
        kept = {path.name for path in artifacts.iterdir() if path.is_dir() and path.name != ".incoming"}
        for what, left in (
            ("files that came in", list((artifacts / ".incoming").glob("*"))),
            ("temporary files", list(self.temporary.iterdir())),
            ("folders without a job", sorted(kept - set(self.found.accepted))),
        ):
            if left:
                self.found.wrong.append(f"{len(left)} {what} are left: {left[:5]}")

    def _compare_resources(self) -> None:
        (_, before), (_, after) = self.found.resources[0], self.found.resources[-1]
        strangers = set(after) - set(before) - {"api", "worker"}
        if strangers:
            self.found.wrong.append(f"processes are left: {sorted(strangers)}")
        if not self.api.is_running() or "worker" not in after:
            self.found.wrong.append("the API or its worker is not there any more")
        for name in ("api", "worker"):
            old, new = before.get(name), after.get(name)
            if old is None or new is None:
                continue
            for what, most in (("memory", MORE_MEMORY), ("files", MORE_FILES), ("threads", MORE_THREADS)):
                if getattr(new, what) - getattr(old, what) > most:
                    self.found.wrong.append(f"{name}: {what} grew too much: {old} → {new}")

    def _read_log(self) -> None:
        for line in self.deployment.log("api").splitlines():
            self.found.remarks.update(word for word in REMARKS if word in line)
            alarms = [word for word in ALARMS if re.search(rf"\b{word}\b", line)]
            if alarms:
                self.found.remarks.update(alarms)
                self.found.wrong.append(f"the log says: {line[:300]}")


def hang_up(port: int, upload: Upload, sent: int) -> None:
    """Send the beginning of an upload, and go."""
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(upload.body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in upload.headers.items() if value.isascii() and value.isprintable())
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(head.encode() + b"\r\n" + upload.body[:sent])
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was refused meanwhile
