"""`drumscribe remote` against real servers: the same files, documents and exit statuses as `drumscribe transcribe`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from api_server import RunningApi, wav_bytes
from deployment import PROGRAM, Deployment
from servers import free_port, wait_until
from typer.main import get_command

from drumscribe.cli.app import app
from drumscribe.cli.remote import SUFFIXES
from drumscribe.outputs import OUTPUTS
from drumscribe.service.jobs import lifecycle
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services


def remote(base_url: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "remote", *map(str, arguments)]
    environment = {**os.environ, "DRUMSCRIBE_URL": base_url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def new_job(services: Services, title: str = "Song") -> str:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1", title=title)
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    return job.id


def test_songs_become_the_files_that_transcribe_would_write(deployment: Deployment, demo: object, tmp_path: Path) -> None:
    audio: Path = getattr(demo, "audio")  # noqa: B009
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF" + bytes(100))
    out = tmp_path / "out"
    done = remote(deployment.base_url, "transcribe", audio, broken, "--out", out, "--formats", "hits,musicxml,midi,tab", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (1, 1)
    song, failed = document["songs"]
    assert (song["status"], failed["status"]) == ("ok", "failed")
    assert song["files"] == {
        form: [str(out / f"demo{suffix}")]
        for form, suffix in (("hits", ".hits.json"), ("musicxml", ".musicxml"), ("midi", ".mid"), ("tab", ".tab.txt"))
    }
    assert len(json.loads((out / "demo.hits.json").read_text())) == song["hits"] > 0
    assert failed["error"]["exit_code"] == 3
    assert "broken.wav" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["demo.hits.json", "demo.mid", "demo.musicxml", "demo.tab.txt"]
    again = remote(deployment.base_url, "download", song["job_id"], "--out", tmp_path / "again", "--formats", "pdf,svg")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again" / "demo.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "again" / "demo-1.svg").read_text().lstrip().startswith(("<?xml", "<svg"))


def test_jobs_are_shown_cancelled_and_deleted(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    assert remote(api.base_url, "status", job).stdout.startswith(f"{job}  queued")
    assert json.loads(remote(api.base_url, "status", job, "--json").stdout)["progress"] == 0
    assert remote(api.base_url, "cancel", job).stdout.startswith(f"{job}  cancelled")
    assert remote(api.base_url, "list").stdout.startswith(job)
    assert remote(api.base_url, "list", "--status", "completed").stdout == ""
    assert remote(api.base_url, "delete", job).returncode == 0
    assert json.loads(remote(api.base_url, "list", "--json").stdout) == {"jobs": []}
    assert remote(api.base_url, "health").returncode == 0


def test_a_score_is_shared_and_taken_back(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    refused = remote(api.base_url, "share", job)
    assert (refused.returncode, "not completed" in refused.stderr) == (8, True)
    with services.sessions.write() as session:
        found = session.get_one(Job, job)
        found.status, found.step, found.revision = "completed", None, 1
    line = remote(api.base_url, "share", job, "--with-audio").stdout
    link, path = line.split()[:2]
    assert path.startswith("/s/")
    assert line.endswith("score and recording\n")
    assert remote(api.base_url, "share", job, "--list").stdout == line
    assert remote(api.base_url, "share", job, "--list", "--revoke", link).returncode == 2
    assert remote(api.base_url, "share", job, "--revoke", link).returncode == 0
    assert json.loads(remote(api.base_url, "share", job, "--list", "--json").stdout) == {"shares": []}


def test_songs_can_be_handed_in_without_waiting(api: RunningApi, services: Services, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(wav_bytes())
    done = remote(api.base_url, "transcribe", song, "--no-wait", "--title", "Mine", "--half", "--no-sections")
    with services.sessions.read() as session:
        job = session.get_one(Job, done.stdout.strip())
        assert (job.title, job.options["octave"], job.options["sections"]) == ("Mine", "half", False)


def test_ctrl_c_cancels_the_job_that_is_waited_for(api: RunningApi, services: Services, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(wav_bytes())
    command = [PROGRAM, "remote", "transcribe", str(song), "--url", api.base_url, "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: api.app.state.hub.count == 1, seconds=60, what="it waits")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "was cancelled" in said
    with services.sessions.read() as session:
        assert [job.status for job in session.query(Job)] == ["cancelled"]
    assert not (tmp_path / "out").exists()


def test_what_goes_wrong_has_its_exit_status(api: RunningApi, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(wav_bytes())
    long = tmp_path / "long.wav"
    long.write_bytes(wav_bytes(stated_seconds=50_000))
    assert remote("", "health").returncode == 2
    assert remote(api.base_url, "transcribe", song, "--formats", "gif").returncode == 2
    assert remote(api.base_url, "transcribe", tmp_path / "missing.wav").returncode == 3
    refused = remote(api.base_url, "transcribe", long)
    assert refused.returncode == 3
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert remote(api.base_url, "status", str(uuid4())).returncode == 8
    late = remote(api.base_url, "transcribe", song, "--timeout", "1")
    assert (late.returncode, "not ended in time" in late.stderr) == (8, True)


def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    begun = time.monotonic()
    done = remote(f"http://127.0.0.1:{free_port()}", "health")
    assert done.returncode == 8
    assert done.stderr.startswith("Error: http://127.0.0.1:")
    assert time.monotonic() - begun < 40


def test_every_format_has_its_suffix() -> None:
    assert set(OUTPUTS) <= set(SUFFIXES)


def test_options_that_mean_the_same_are_called_the_same() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    here = {option for one in commands["transcribe"].params for option in one.opts}
    there = {option for one in commands["remote"].commands["transcribe"].params for option in one.opts}
    assert there - here == {"--url", "--key", "--no-wait", "--timeout"}
