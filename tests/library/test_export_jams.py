"""The JAMS document is read by the package of the format's makers."""

from __future__ import annotations

import io
import json
import warnings
from fractions import Fraction

import pytest

from drumscribe.export.jams import write_jams
from drumscribe.types import Beat, BeatGrid, Drum, Hit, Performance

HITS = (
    Hit(0.5, Drum.KICK, 127, 0.9),
    Hit(1.0, Drum.SNARE, 64, 0.8),
    Hit(1.0, Drum.CROSS_STICK, 64, 0.5),
    Hit(1.5, Drum.KICK, 32, 0.25),
    Hit(1.75, Drum.OTHER, 32, 0.25),
)
BEATS = (Beat(-0.25, 3), Beat(0.25, 4), Beat(0.75, 1), Beat(1.25, 2), Beat(2.25, 3), Beat(3.25, 4), Beat(4.25, 1))


def performance() -> Performance:
    hits = tuple(sorted(HITS, key=lambda h: (h.time, h.drum)))
    return Performance(hits, BeatGrid(BEATS, Fraction(1), 0.75), 5.0)


def annotations(data: bytes) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for annotation in json.loads(data)["annotations"]:
        found.setdefault(annotation["namespace"], []).append(annotation)
    return found


def test_each_instrument_is_an_annotation_of_onsets() -> None:
    onsets = annotations(write_jams(performance()))["onset"]
    assert [(a["sandbox"], [o["time"] for o in a["data"]]) for a in onsets] == [  # type: ignore[attr-defined]
        ({"instrument": "kick"}, [0.5, 1.5]),
        ({"instrument": "snare"}, [1.0]),
        ({"instrument": "snare", "articulation": "cross_stick"}, [1.0]),
    ]
    assert onsets[0]["data"][0] == {"time": 0.5, "duration": 0.0, "value": 1.0, "confidence": 0.9}  # type: ignore[index]


def test_beats_and_tempi_are_there_and_time_is_never_negative() -> None:
    found = annotations(write_jams(performance()))
    assert [o["value"] for o in found["beat"][0]["data"]] == [4, 1, 2, 3, 4, 1]  # type: ignore[attr-defined]
    assert all(o["time"] >= 0 for a in found.values() for b in a for o in b["data"])  # type: ignore[attr-defined]
    assert found["tempo"][0]["data"][0]["value"] == 120.0  # type: ignore[index]


def test_the_jams_package_accepts_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own dependencies warn when imported
        jams = pytest.importorskip("jams")
        document = jams.load(io.StringIO(write_jams(performance(), title="雨").decode()), validate=True, strict=True, fmt="jams")
        assert document.validate(strict=True)
    assert document.file_metadata.title == "雨"
    assert [a.namespace for a in document.annotations] == ["onset", "onset", "onset", "beat", "tempo"]


def test_silence_is_an_empty_document() -> None:
    assert json.loads(write_jams(Performance((), BeatGrid(), 5.0)))["annotations"] == []
