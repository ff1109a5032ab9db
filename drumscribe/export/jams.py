"""JAMS 0.3: one JSON file with onsets, beats and tempo for the tools of music information retrieval.

Namespaces, and why:

- `onset`, one annotation per instrument, named in its sandbox. The value is the velocity, 0-1. Separate annotations
  let evaluation by namespace compare one instrument at a time. Not `note_midi`: a drum key is no pitch, and readers of
  that namespace would plot and score it as one.
- `beat`: the value is the place in the bar.
- `tempo`: beats a minute, one observation per stretch of steady bars.

Written without the `jams` package, which brings a stack of its own; the tests read it back with that package.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from drumscribe.export.tables import DECIMALS, bar_tempi
from drumscribe.types import Drum, Performance

JAMS_VERSION = "0.3.4"


def write_jams(performance: Performance, *, title: str = "") -> bytes:
    """Write the performance as a JAMS document.

    Hits of `Drum.OTHER` are left out; cross sticks are an annotation of their own with `articulation` in its sandbox.
    Beats before the recording (where the grid was extrapolated) are left out too: JAMS knows no negative time.
    """
    annotations: list[dict[str, Any]] = []
    for drum in Drum:
        hits = [h for h in performance.hits if h.drum is drum]
        if not hits or drum is Drum.OTHER:
            continue
        sandbox = {"instrument": str(Drum.SNARE if drum is Drum.CROSS_STICK else drum)}
        if drum is Drum.CROSS_STICK:
            sandbox["articulation"] = str(drum)
        rows = [_observation(h.time, round(h.velocity / 127, DECIMALS), round(h.confidence, DECIMALS)) for h in hits]
        annotations.append(_annotation("onset", rows, performance.duration, sandbox))
    grid = performance.grid
    confidence = round(grid.confidence, DECIMALS)
    beats = [b for b in grid.beats if b.time >= 0]
    if beats:
        rows = [_observation(b.time, b.number, confidence) for b in beats]
        annotations.append(
            _annotation("beat", rows, performance.duration, {"quarters_per_beat": str(grid.unit), "reliable": grid.reliable})
        )
    tempi = [(max(0.0, time), bpm) for time, bpm in bar_tempi(grid)]
    if tempi:
        ends = [time for time, _ in tempi[1:]] + [max(performance.duration, tempi[-1][0])]
        rows = [_observation(time, bpm, confidence, end - time) for (time, bpm), end in zip(tempi, ends, strict=True)]
        annotations.append(_annotation("tempo", rows, performance.duration, {}))
    document = {
        "file_metadata": {
            "title": title,
            "artist": "",
            "release": "",
            "duration": round(performance.duration, DECIMALS),
            "identifiers": {},
            "jams_version": JAMS_VERSION,
        },
        "annotations": annotations,
        "sandbox": {},
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _observation(time: float, value: float, confidence: float, duration: float = 0.0) -> dict[str, float]:
    return {
        "time": round(time, DECIMALS),
        "duration": round(max(0.0, duration), DECIMALS),
        "value": value,
        "confidence": confidence,
    }


def _annotation(namespace: str, rows: list[dict[str, float]], duration: float, sandbox: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "time": 0.0,
        "duration": round(duration, DECIMALS),
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": version("drumscribe"),
            "corpus": "",
            "annotation_tools": "DrumScribe",
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "data": rows,
        "sandbox": sandbox,
    }
