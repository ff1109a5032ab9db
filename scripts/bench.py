"""Measure time and memory of the whole program and of its parts, and write `docs/benchmarks.md`.

    make bench

Every figure of one document comes from one run, with the load of the machine beside it. The program is measured from
outside, as a user would see it: a fresh process for each song, its peak memory with that of the engraver it starts. The
songs are the demo song, and the demo song repeated to three and to fifteen minutes.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from drumscribe import export
from drumscribe.audio import load_audio, save_wav
from drumscribe.beats import activate_beats, track_beats
from drumscribe.detection import activate, pick_hits
from drumscribe.notation import notate
from drumscribe.options import Options
from drumscribe.separation import isolate
from drumscribe.types import Audio, Performance
from drumscribe.weights import load_models

CHECKOUT = Path(__file__).resolve().parents[1]
DEMO = CHECKOUT / "demo" / "demo.flac"
REPORT = CHECKOUT / "docs" / "benchmarks.md"

#: Name, seconds (None: the demo as it is), runs.
SONGS = (("demo", None, 3), ("3 minutes", 180.0, 3), ("15 minutes", 900.0, 1))
PROFILED = "3 minutes"


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall: float  #: seconds
    cpu: float  #: seconds, all threads and the programs it started
    peak_mb: float


# A process starts with the peak memory of the one it was forked from: a small one stands in between
_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
nowhere = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
child = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
print(json.dumps([os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


def run(arguments: list[str]) -> Cost:
    """Run a Python process of its own and measure it; its output is thrown away."""
    launched = subprocess.run([sys.executable, "-S", "-c", _LAUNCHER, *arguments], capture_output=True, text=True, check=True)
    status, wall, cpu, peak = json.loads(launched.stdout)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed with exit status {status}")
    return Cost(wall, cpu, peak / (1e6 if sys.platform == "darwin" else 1e3))


def repeat_song(audio: Audio, seconds: float | None) -> Audio:
    """Repeat a song end to end until it lasts so long."""
    if seconds is None:
        return audio
    length = round(seconds * audio.sample_rate)
    return Audio(np.tile(audio.samples, -(-length // audio.samples.shape[1]))[:, :length].copy(), audio.sample_rate)


def profile(song: Path) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Time each part once, in this process: those of an ordinary transcription, and the formats on request."""
    options, rows = Options(), list[tuple[str, float]]()

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        rows.append((name, time.perf_counter() - start))
        return result

    models = timed("load and check the networks", load_models)
    audio = timed("decode and check", lambda: load_audio(song))
    stem = timed("separate (none)", lambda: isolate(audio))
    activations, spectrum = timed("spectra and drum network", lambda: activate(stem, models.drums))
    hits = timed("pick hits", lambda: pick_hits(activations, models.drums.picking, options=options.picking))
    beats = timed("beat network", lambda: activate_beats(spectrum, activations, models.beats))
    grid = timed("track beats", lambda: track_beats(beats, hits, duration=audio.duration, options=options.beats))
    performance = Performance(hits, grid, audio.duration)
    score = timed("notate", lambda: notate(performance, options=options.notation))
    timed("write hits and beats", lambda: (export.write_hits_json(performance), export.write_beats_json(performance)))
    timed("write MusicXML", lambda: export.write_musicxml(score))
    timed("write MIDI", lambda: export.write_midi(performance))
    timed("write PDF (LilyPond)", lambda: export.write_pdf(score))
    ordinary, rows = rows, list[tuple[str, float]]()
    timed("write SVG (LilyPond)", lambda: export.write_svg_pages(score))
    timed("write picture", lambda: export.write_picture(audio, performance))
    timed("write tab and JAMS", lambda: (export.write_tab(score), export.write_jams(performance)))
    return ordinary, rows


def start_up() -> list[tuple[str, float]]:
    """Median wall time of five fresh processes each."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "import drumscribe": ["-c", "import drumscribe"],
        "from drumscribe import transcribe": ["-c", "from drumscribe import transcribe"],
        "drumscribe --help": ["-m", "drumscribe.cli", "--help"],
    }
    return [(name, statistics.median(run(command).wall for _ in range(5))) for name, command in commands.items()]


def machine() -> str:
    """One line about where this ran."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) / 1e6 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [names[0] if names else platform.processor() or platform.machine(), f"{cores} cores"]
    parts += [f"{memory[0]:.0f} GB"] if memory else []
    parts += [platform.system(), f"Python {platform.python_version()}", f"ONNX Runtime {version('onnxruntime')}"]
    return ", ".join(parts)


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.is_file() else []


def load() -> str:
    """Load averages of the machine now."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def main() -> None:
    """Measure everything and write the report."""
    before = load()
    demo = load_audio(DEMO)
    with tempfile.TemporaryDirectory(prefix="drumscribe-bench-") as name:
        folder, costs, durations = Path(name), dict[str, list[Cost]](), dict[str, float]()
        for song, seconds, _ in SONGS:
            audio = repeat_song(demo, seconds)
            durations[song] = audio.duration
            (folder / f"{song}.wav").write_bytes(save_wav(audio))
        for turn in range(max(runs for _, _, runs in SONGS)):  # in turn, so that a busy minute does not fall on one song alone
            for song, _, runs in SONGS:
                if turn < runs:
                    command = ["-m", "drumscribe.cli", "transcribe", str(folder / f"{song}.wav"), "-o", str(folder / "out"), "-q"]
                    costs.setdefault(song, []).append(run([*command, "--formats", "musicxml,midi,pdf"]))
        parts, more = profile(folder / f"{PROFILED}.wav")
        starts = start_up()
    REPORT.write_text(report(before, durations, costs, parts, more, starts), "utf-8")
    print(REPORT.read_text("utf-8"))


def report(
    before: str,
    durations: dict[str, float],
    costs: dict[str, list[Cost]],
    parts: list[tuple[str, float]],
    more: list[tuple[str, float]],
    starts: list[tuple[str, float]],
) -> str:
    """Put the figures into words and tables."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; all figures are of one run.",
        "",
        f"Machine: {machine()}. Load average before {before}, after {load()} (1, 5 and 15 minutes).",
        f"DrumScribe {version('drumscribe')}.",
        "",
        "## The whole program",
        "A fresh process from start to end: decode, listen, write MusicXML, MIDI and PDF. Medians; of peak memory the largest.",
        "",
        "| song | seconds | runs | wall s | times real time | CPU s | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for song, found in costs.items():
        wall, cpu = (statistics.median(values) for values in ([c.wall for c in found], [c.cpu for c in found]))
        peak, seconds = max(c.peak_mb for c in found), durations[song]
        lines += [f"| {song} | {seconds:.0f} | {len(found)} | {wall:.1f} | {seconds / wall:.0f} | {cpu:.1f} | {peak:.0f} |"]
    total = sum(seconds for _, seconds in parts)
    lines += ["", "## Where the time goes", f"The song of {PROFILED}, each part once, in one process.", ""]
    lines += ["| part | s | share |", "|---|---:|---:|"]
    lines += [f"| {part} | {seconds:.2f} | {100 * seconds / total:.0f} % |" for part, seconds in parts]
    lines += [f"| together | {total:.2f} | |"]
    lines += [f"| {part}, on request | {seconds:.2f} | |" for part, seconds in more]
    lines += ["", "## Starting", "Median wall time of five fresh processes.", "", "| command | s |", "|---|---:|"]
    lines += [f"| `{command}` | {seconds:.2f} |" for command, seconds in starts]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
