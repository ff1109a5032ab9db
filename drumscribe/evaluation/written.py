"""A measure of the written score: is each note at its place in the metre?

The annotated beats give every annotated hit a position in beats. A written note is right when a hit of its drum, not
yet taken, lies within a twelfth of a beat of where it is written; under the word Swing, of where it is to be played.
Bar numbers are not compared: one shift by whole beats for the whole song is free, the best one counts.

The measure is deliberately simple: it does not ask for the value a human would choose to write, only that the rhythm on
the page is the rhythm that was played.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np

from drumscribe.errors import FileNotReadable, InputError
from drumscribe.evaluation.annotations import KEYS, Beats
from drumscribe.evaluation.hits import VOCABULARIES, Counts, match
from drumscribe.types import Drum, Hit, Score

TOLERANCE_BEATS = 1 / 12
MAX_SHIFT = 16  #: beats to either side


@dataclass(frozen=True, slots=True)
class WrittenNotes:
    """The notes of a score, and the beat they are counted in."""

    notes: tuple[tuple[Fraction, Drum], ...]  #: (quarter notes from the start, drum), sorted
    unit: Fraction = Fraction(1)  #: quarter notes per beat
    swing: Fraction | None = None  #: the value that swings, 1/2 or 1/4
    swing_ratio: float = 0.5  #: place of the off-beat inside the pair

    def played(self, position: Fraction) -> float:
        """Where a written position is played, in beats."""
        if self.swing is None:
            return float(position / self.unit)
        pair = 2 * self.swing
        whole, inside = position // pair, float(position % pair / pair)
        bent = inside * 2 * self.swing_ratio if inside < 0.5 else self.swing_ratio + (inside - 0.5) * 2 * (1 - self.swing_ratio)
        # triplets and other values that are not pairs are played as written
        straight = inside * 4 % 1 != 0
        return float(pair / self.unit) * (whole + (inside if straight else bent))


def written_notes(score: Score) -> WrittenNotes:
    """Take the notes of a score."""
    notes = [(start + note.onset, note.drum) for start, bar in zip(score.starts, score.bars, strict=True) for note in bar.notes]
    signature = score.bars[0].time_signature if score.bars else None
    unit = _unit(signature.numerator, signature.denominator) if signature else Fraction(1)
    return WrittenNotes(tuple(sorted(notes)), unit, score.swing, score.swing_ratio)


def score_written(reference: Iterable[Hit], beats: Beats, written: WrittenNotes, *, vocabulary: int = 5) -> Counts:
    """Compare written notes with annotated hits and beats.

    Returns
    -------
    Counts
        Notes found, invented and missed over all classes at the best shift by whole beats.
    """
    table = VOCABULARIES[vocabulary]
    hits = [h for h in reference if h.drum in table]
    places = _positions([h.time for h in hits], beats)
    true: dict[str, list[float]] = {name: [] for name in table.values()}
    for hit, place in zip(hits, places, strict=True):
        true[table[hit.drum]].append(float(place))
    found: dict[str, list[float]] = {name: [] for name in table.values()}
    for position, drum in written.notes:
        if drum in table:
            found[table[drum]].append(written.played(position))
    # two strokes of a flam are one written note with a grace note
    true = {name: _apart(sorted(positions)) for name, positions in true.items()}
    found = {name: _apart(sorted(positions)) for name, positions in found.items()}
    total_true, total_found = sum(map(len, true.values())), sum(map(len, found.values()))
    best = 0
    for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
        right = sum(len(match(own, [p + shift for p in found[name]], TOLERANCE_BEATS)) for name, own in true.items())
        best = max(best, right)
    return Counts(best, total_found - best, total_true - best)


def _positions(times: Sequence[float], beats: Beats) -> np.ndarray:
    """Seconds to beats, counted from the first annotated beat; beyond the ends the outermost tempo goes on."""
    grid = beats.times
    if len(grid) < 2:
        raise ValueError("a reference needs at least two beats")
    index = np.clip(np.searchsorted(grid, times, side="right") - 1, 0, len(grid) - 2)
    return index + (np.asarray(times, float) - grid[index]) / (grid[index + 1] - grid[index])


def _apart(positions: list[float], gap: float = TOLERANCE_BEATS) -> list[float]:
    """Leave out what follows closer than `gap`: of a flam the first stroke is the grace note, the last the note."""
    kept: list[float] = []
    for position in positions:
        if kept and position - kept[-1] < gap:
            kept[-1] = position
        else:
            kept.append(position)
    return kept


def _unit(numerator: int, denominator: int) -> Fraction:
    if denominator == 4:
        return Fraction(1)
    return Fraction(3, 2) if denominator == 8 and numerator % 3 == 0 and numerator > 3 else Fraction(4, denominator)


# ------------------------------------------------------------------------------------------------ MusicXML


def read_musicxml(path: Path) -> WrittenNotes:
    """Read the drum notes of a partwise MusicXML file, plain or compressed.

    Grace notes and tied continuations are not notes of their own. Drums come from the MIDI keys in the part list.

    Raises
    ------
    FileNotReadable
        If there is no such file.
    InputError
        If it is not partwise MusicXML.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileNotReadable(f"{path} cannot be read.", path=str(path)) from error
    try:
        root = ET.fromstring(_unzip(data))
        if root.tag != "score-partwise":
            raise ValueError(f"the root is {root.tag}")
        return _notes_of(root)
    except (ET.ParseError, zipfile.BadZipFile, ValueError, StopIteration) as error:
        raise InputError(f"{path.name} is not a MusicXML score that can be read: {error}.", path=str(path)) from error


def _unzip(data: bytes) -> bytes:
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.read(
            next(n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and not n.startswith("META-INF"))
        )


def _notes_of(root: ET.Element) -> WrittenNotes:
    drums: dict[str, Drum] = {}
    for instrument in root.iterfind("part-list/score-part/midi-instrument"):
        key = int(instrument.findtext("midi-unpitched", "0")) - 1  # MusicXML counts keys from 1
        drums[instrument.get("id", "")] = KEYS.get(key, Drum.OTHER)
    notes: list[tuple[Fraction, Drum]] = []
    start, divisions, unit = Fraction(0), 1, None
    for measure in root.iterfind("part[1]/measure"):
        position = furthest = onset = Fraction(0)
        for element in measure:
            if element.tag == "attributes":
                divisions = int(element.findtext("divisions", str(divisions)))
                if unit is None and element.find("time") is not None:
                    unit = _unit(int(element.findtext("time/beats", "4")), int(element.findtext("time/beat-type", "4")))
            duration = Fraction(element.findtext("duration", "0")) / divisions
            if element.tag == "backup":
                position -= duration
            elif element.tag == "forward":
                position += duration
            elif element.tag == "note" and element.find("grace") is None:
                if element.find("chord") is None:
                    onset, position = position, position + duration
                tied_on = any(tie.get("type") == "stop" for tie in element.iterfind("tie"))
                instrument = element.find("instrument")
                if element.find("rest") is None and not tied_on and instrument is not None:
                    notes.append((start + onset, drums.get(instrument.get("id", ""), Drum.OTHER)))
            furthest = max(furthest, position)
        start += furthest
    swing, ratio = _swing_of(root)
    return WrittenNotes(tuple(sorted(notes)), unit or Fraction(1), swing, ratio)


def _swing_of(root: ET.Element) -> tuple[Fraction | None, float]:
    """The first swing of the score: the value, and the place of the off-beat."""
    swing = root.find(".//sound/swing")
    if swing is None or swing.find("first") is None:
        return None, 0.5
    first, second = int(swing.findtext("first", "1")), int(swing.findtext("second", "1"))
    return Fraction(1, 4) if swing.findtext("swing-type") == "16th" else Fraction(1, 2), first / (first + second)
