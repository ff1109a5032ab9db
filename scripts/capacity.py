"""Reckon what the service takes: workers, waits and money for so many users. Writes the tables of `docs/scaling.md`.

    scripts/capacity.py [--check]

`docs/capacity.json` holds what was measured (`scripts/measure_steps.py`), deploy/kubernetes/overlays/production/scaling.yaml how
workers are scaled; assumptions and prices stand here. The queues are simulated by `queue_model.py`, with a fixed seed: the same
input gives the same tables, and `--check` says whether the page has them.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT / "scripts"))

from queue_model import DAY_S, Scaler, Station, poisson, simulate  # noqa: E402

PAGE = CHECKOUT / "docs" / "scaling.md"
MEASURED: dict[str, Any] = json.loads((CHECKOUT / "docs" / "capacity.json").read_text("utf-8"))
SONGS_MEASURED: dict[str, Any] = MEASURED["steps"]["found"]
SCALING = CHECKOUT / "deploy" / "kubernetes" / "overlays" / "production" / "scaling.yaml"
DEFAULT, HEAVY = "default", "heavy-compute"
_DEFAULT_STEPS, _HEAVY_STEPS = ("ingest", "transcription"), ("separation", "prediction")

# ---------------------------------------------------------------------------------------------- assumptions
USERS = (100, 1_000, 100_000)
SONGS_PER_USER = 10  #: a month
PEAK = 3.0  #: the busiest hour of a day against the average
MONTH_DAYS = 30
SONG_MEDIAN_S, SONG_SPREAD = 210.0, 0.35  #: lognormal, from 30 s to 15 min
NOISE = 0.2  #: of the time of a step, lognormal: machines are not alike
START_S = 60.0  #: from the decision to a pod that takes steps: a look, a place, an image that is there, a process
SLOTS = {DEFAULT: 2, HEAVY: 1}  #: worker processes of a pod
MP3_BYTES_S = 16_000  #: an upload of 128 kbit/s
PLAYS = 1.0  #: how often a result with its sound is fetched
GPU_S = 45.0  #: of separation for one song on an A10G, from the checklist (C34): not measured

# ---------------------------------------------------------------------------------------------- prices, in dollars
VCPU_HOUR, GB_HOUR = 0.04048, 0.004445  #: AWS Fargate, us-east-1, Linux on x86
POD_SIZE = {DEFAULT: (1, 2), HEAVY: (2, 4)}  #: vCPU, GB
GPU_SECOND = 0.000306 + 2 * 0.0000131 + 4 * 0.00000222  #: Modal: an A10, 2 cores, 4 GiB
S3 = {"GB-month": 0.023, "PUT": 0.005 / 1000, "GET": 0.0004 / 1000, "GB out": 0.09}
R2 = {"GB-month": 0.015, "PUT": 4.50 / 1e6, "GET": 0.36 / 1e6, "GB out": 0.0}


@dataclass(frozen=True)
class Result:
    """What one simulation found."""

    took: list[float]
    pods: dict[str, float]  #: on average
    most: dict[str, int]
    busy: dict[str, float]  #: share of the time
    dollars: dict[str, float]  #: of 1,000 songs, by queue


# ---------------------------------------------------------------------------------------------- what a song takes


def steps_of(seconds: float, *, demucs: bool = False) -> list[tuple[str, float]]:
    """Queue and seconds of each step, by what was measured for lengths around it: on one core, but Demucs uses those it has."""
    parts = {name: line_through(points_of(name), seconds) for name in (*_DEFAULT_STEPS, *_HEAVY_STEPS)}
    if demucs:
        separation = MEASURED["demucs"]["found"]
        parts["separation"] += seconds * separation["cpu_s"] / separation["song_s"] / POD_SIZE[HEAVY][0]
    queues = {"ingest": DEFAULT, "separation": HEAVY, "prediction": HEAVY, "transcription": DEFAULT}
    return [(queue, parts[name]) for name, queue in queues.items()]


@cache
def points_of(step: str) -> list[tuple[float, float]]:
    """CPU seconds of a step by length. What a worker used is measured; its steps share it as they share its time."""
    worker = "heavy" if step in _HEAVY_STEPS else "default"
    steps = _HEAVY_STEPS if step in _HEAVY_STEPS else _DEFAULT_STEPS
    points = []
    for length, song in SONGS_MEASURED.items():
        share = song["step_s"][step] / sum(song["step_s"][one] for one in steps)
        points.append((float(length), song["cpu_s"][worker] * share))
    return sorted(points)


@cache
def sizes_of(what: str) -> list[tuple[float, float]]:
    """Bytes that a song leaves, or files, by length."""
    return sorted((float(length), float(song[what])) for length, song in SONGS_MEASURED.items())


def line_through(points: list[tuple[float, float]], x: float) -> float:
    """Between the two nearest points, or beyond the outer ones."""
    last = len(points) - 2
    place = next((index for index in range(last + 1) if x <= points[index + 1][0]), last)
    (x0, y0), (x1, y1) = points[place : place + 2]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def bytes_of(seconds: float, what: str) -> float:
    """What a song of this length leaves."""
    return line_through(sizes_of(what), seconds)


def song_length(chance: random.Random) -> float:
    """Seconds."""
    return min(900.0, max(30.0, SONG_MEDIAN_S * math.exp(chance.gauss(0, SONG_SPREAD))))


def mean_length() -> float:
    """Of many songs."""
    chance = random.Random(1)
    return statistics.fmean(song_length(chance) for _ in range(20_000))


# ---------------------------------------------------------------------------------------------- simulation


def scalers() -> dict[str, Scaler]:
    """How production scales its workers."""
    found = {}
    for one in yaml.safe_load_all(SCALING.read_text("utf-8")):
        if one["kind"] == "ScaledObject":
            spec = one["spec"]
            [trigger] = spec["triggers"]
            queue = HEAVY if one["metadata"]["name"].endswith("heavy") else DEFAULT
            target = float(trigger["metadata"]["targetQueryValue"])
            found[queue] = Scaler(spec["minReplicaCount"], spec["maxReplicaCount"], target, START_S)
    return found


def songs(rate: float, *, demucs: bool, seed: int) -> Iterator[tuple[float, list[tuple[str, float]]]]:
    """When songs come, and what each will take."""
    chance = random.Random(seed)
    for when in poisson(rate, PEAK, chance):
        slow = math.exp(chance.gauss(-NOISE * NOISE / 2, NOISE))
        yield when, [(queue, seconds * slow) for queue, seconds in steps_of(song_length(chance), demucs=demucs)]


def run(users: int, *, demucs: bool = False, changed: dict[str, Scaler] | None = None, least_songs: int = 2_000) -> Result:
    """Simulate whole days, as many as it takes to see enough songs."""
    a_day = users * SONGS_PER_USER / MONTH_DAYS
    days = max(1, math.ceil(least_songs / a_day))
    stations = {queue: Station(scaler, SLOTS[queue]) for queue, scaler in (scalers() | (changed or {})).items()}
    took = simulate(stations, songs(a_day / DAY_S, demucs=demucs, seed=20), until=days * DAY_S)
    span = days * DAY_S
    dollars = {
        queue: station.pod_seconds / 3600 * (POD_SIZE[queue][0] * VCPU_HOUR + POD_SIZE[queue][1] * GB_HOUR) / len(took) * 1000
        for queue, station in stations.items()
    }
    return Result(
        took,
        {queue: station.pod_seconds / span for queue, station in stations.items()},
        {queue: station.most_pods for queue, station in stations.items()},
        {queue: station.busy_seconds / (station.pod_seconds * SLOTS[queue]) for queue, station in stations.items()},
        dollars,
    )


# ---------------------------------------------------------------------------------------------- tables


def table(head: list[str], rows: list[list[str]]) -> str:
    """As Markdown."""
    line = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", line, *("| " + " | ".join(row) + " |" for row in rows)])


def measured_table() -> str:
    """What was measured, and on what."""
    rows = []
    for length, song in SONGS_MEASURED.items():
        steps = song["step_s"]
        cells = [f"{steps[name]:.2f}" for name in ("ingest", "separation", "prediction", "transcription")]
        cpu = [f"{song['cpu_s'][part]:.2f}" for part in ("default", "heavy", "api")]
        size = [f"{song['source_bytes'] / 1e6:.1f}", f"{song['result_bytes'] / 1e6:.1f}", str(song["files"])]
        rows.append([f"{length} s ({song['runs']} runs)", f"{song['wall_s']:.1f}", *cells, *cpu, *size])
    head = ["song", "upload to end, s", "ingest", "separation (none)", "prediction", "transcription"]
    head += ["CPU s default", "CPU s heavy", "CPU s API", "sources, MB", "results, MB", "files"]
    separation = MEASURED["demucs"]["found"]
    demucs = (
        f"Separation with a network of htdemucs' size ({separation['parameters'] / 1e6:.0f} million parameters, random weights): "
        f"{separation['cpu_s']} CPU seconds for {separation['song_s']:.0f} s of sound ({where('demucs')})."
    )
    return f"{where('steps')}.\n\n{table(head, rows)}\n\n{demucs}"


def where(part: str) -> str:
    """On what machine something was measured, and what else it did."""
    one = MEASURED[part]
    before, after = one["load"]
    return f"{one['date']}, {one['machine']}, load average {before} before and {after} after"


def users_table() -> str:
    """Workers, waits and their price."""
    rows = []
    for users in USERS:
        found = run(users)
        month = users * SONGS_PER_USER
        took = sorted(found.took)
        row = [f"{users:,}", f"{month:,}", f"{month / MONTH_DAYS / 24 * PEAK:,.0f}"]
        for queue in (DEFAULT, HEAVY):
            row.append(f"{found.pods[queue]:.1f} / {found.most[queue]}")
            row.append(f"{found.busy[queue]:.1%}")
        row += [f"{took[int(len(took) * share)]:.0f}" for share in (0.5, 0.95, 0.99)]
        row.append(f"{sum(found.dollars.values()):,.2f}")
        rows.append(row)
    head = [
        "users",
        "songs a month",
        "songs in the busiest hour",
        "default pods, mean / most",
        "busy",
        "heavy pods, mean / most",
        "busy",
    ]
    return table([*head, "upload to end, s: half", "95 %", "99 %", "workers, $ per 1,000 songs"], rows)


def demucs_table() -> str:
    """The same with Demucs on CPUs, by the target of the autoscaler."""
    rows = []
    usual = scalers()[HEAVY]
    for target in (1.0, 2.0, 4.0, 8.0):
        found = run(10_000, demucs=True, changed={HEAVY: replace(usual, target=target, most=100)})
        took = sorted(found.took)
        shares = [f"{took[int(len(took) * share)]:.0f}" for share in (0.5, 0.95, 0.99)]
        rows.append(
            [
                f"{target:g}",
                f"{found.pods[HEAVY]:.1f} / {found.most[HEAVY]}",
                f"{found.busy[HEAVY]:.0%}",
                *shares,
                f"{found.dollars[HEAVY]:.2f}",
            ]
        )
    return table(
        [
            "steps per pod",
            "heavy pods, mean / most",
            "busy",
            "upload to end, s: half",
            "95 %",
            "99 %",
            "heavy, $ per 1,000 songs",
        ],
        rows,
    )


def target_table() -> str:
    """What the targets in scaling.yaml lead to without Demucs, at the largest size."""
    rows = []
    usual = scalers()
    for factor in (0.5, 1.0, 2.0, 4.0):
        changed = {queue: replace(scaler, target=scaler.target * factor) for queue, scaler in usual.items()}
        found = run(USERS[-1], changed=changed)
        took = sorted(found.took)
        shares = [f"{took[int(len(took) * share)]:.0f}" for share in (0.5, 0.95, 0.99)]
        targets = " / ".join(f"{changed[queue].target:g}" for queue in (DEFAULT, HEAVY))
        rows.append([targets, *shares, f"{sum(found.dollars.values()):.2f}"])
    return table(["steps per pod, default / heavy", "upload to end, s: half", "95 %", "99 %", "workers, $ per 1,000 songs"], rows)


def money_table() -> str:
    """What 1,000 songs cost beside the workers."""
    length = mean_length()
    sources = bytes_of(length, "source_bytes") + MP3_BYTES_S * length
    results, files = bytes_of(length, "result_bytes"), bytes_of(length, "files")
    rows = []
    for name, price in {"S3": S3, "R2": R2}.items():
        kept = (sources / MONTH_DAYS + results) / 1e9 * price["GB-month"] * 1000
        # each file is looked for, written, and half of them read by a later step or a reader
        asked = (files * price["PUT"] + 2 * files * price["GET"]) * 1000
        out = PLAYS * (sources + results) / 1e9 * price["GB out"] * 1000
        rows.append([name, f"{kept:.2f}", f"{asked:.2f}", f"{out:.2f}", f"{kept + asked + out:.2f}"])
    heard = (
        f"A song of {length:.0f} s, the mean, leaves {sources / 1e6:.0f} MB for a day and {results / 1e6:.1f} MB "
        f"in {files:.0f} files for a month."
    )
    return f"{heard}\n\n" + table(["per 1,000 songs, $", "kept", "requests", "sent to users", "together"], rows)


def gpu_table() -> str:
    """When a card pays."""
    length = mean_length()
    cpu_s = steps_of(length, demucs=True)[1][1]
    cpu = cpu_s / 3600 * (POD_SIZE[HEAVY][0] * VCPU_HOUR + POD_SIZE[HEAVY][1] * GB_HOUR) * 1000
    gpu = GPU_S * GPU_SECOND * 1000
    rows = [
        ["2 vCPU, 4 GB (half of the measured CPU seconds)", f"{cpu_s:.0f}", f"{cpu:.2f}"],
        ["A10G (assumed seconds)", f"{GPU_S:.0f}", f"{gpu:.2f}"],
    ]
    even = cpu / 1000 / GPU_SECOND
    return table(["separation of a mean song", "s", "$ per 1,000 songs, fully busy"], rows) + (
        f"\n\nA card is cheaper from {even:.0f} s a song down, and quicker in any case."
    )


def load_table() -> str:
    """What the rest must bear in the busiest hour."""
    rows = []
    most = {queue: scaler.most for queue, scaler in scalers().items()}
    for users in USERS:
        jobs = users * SONGS_PER_USER / MONTH_DAYS / DAY_S * PEAK
        length = mean_length()
        per_job = bytes_of(length, "source_bytes") + MP3_BYTES_S * length + bytes_of(length, "result_bytes")
        held = (
            users
            * SONGS_PER_USER
            * (bytes_of(length, "result_bytes") + (per_job - bytes_of(length, "result_bytes")) / MONTH_DAYS)
        )
        rows.append([f"{users:,}", f"{jobs:.3f}", f"{4 * jobs:.2f}", f"{jobs * per_job / 1e6:.1f}", f"{held / 1e9:,.0f}"])
    pods = most[DEFAULT] * SLOTS[DEFAULT] + most[HEAVY] * SLOTS[HEAVY]
    note = f"At full stretch production runs {pods} worker processes."
    return table(["users", "jobs/s", "steps/s", "MB/s to the storage", "GB kept"], rows) + f"\n\n{note}"


BLOCKS = {
    "measured": measured_table,
    "users": users_table,
    "targets": target_table,
    "demucs": demucs_table,
    "gpu": gpu_table,
    "money": money_table,
    "load": load_table,
}


def filled(page: str) -> str:
    """The page with its tables."""
    for name, make in BLOCKS.items():
        begin, end = f"<!-- {name}: scripts/capacity.py -->", "<!-- end -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"docs/scaling.md has no place for the table {name!r}")
        block = f"{begin}\n{make()}\n{end}"
        page = pattern.sub(lambda _, block=block: block, page)
    return page


def main() -> int:
    """Write the tables, or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say whether the page has them, and write nothing")
    given = parser.parse_args()
    page = PAGE.read_text("utf-8")
    made = filled(page)
    if given.check:
        if made != page:
            print(
                "docs/scaling.md is not what scripts/capacity.py writes now: run it, and look at the difference.", file=sys.stderr
            )
        return int(made != page)
    PAGE.write_text(made, "utf-8")
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
