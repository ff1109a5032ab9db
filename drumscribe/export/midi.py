"""MIDI files: as played, on the clock of the recording, and as written, on the grid.

Both are format 1 with a tempo track and a drum track on channel 10, General MIDI keys from `kit`. The tempo track
follows the pulse: one tempo per stretch between beats (or anchors), so that ticks count written time and still every
tick falls on its second. `Drum.OTHER` has no key and is left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple

import mido
import numpy as np

from drumscribe.kit import KIT
from drumscribe.types import BeatGrid, Drum, Note, Performance, Score

#: At 40 bpm a tick is 0.8 ms, so a hit is at most 0.4 ms off; divisible down to 128ths, triplets and quintuplets.
TICKS_PER_QUARTER = 1920
CHANNEL = 9  #: channel 10, counted from 0
DEFAULT_BPM = 120.0  #: when there is no pulse to follow
NOTE_QUARTERS = Fraction(1, 4)  #: a struck drum does not know how long it lasts: a sixteenth
GRACE_SECONDS = 0.03  #: a flam's first stroke precedes the second by about this much
GRACE_VELOCITY = 0.6  #: and is softer by this factor
TEMPO_SLACK = 5e-5  #: seconds a tempo may drift over a beat before it is written anew
_MAX_TEMPO = 0xFFFFFF  #: microseconds a quarter: three bytes


class _Point(NamedTuple):
    """Tick and second of one place that the tempo track passes through."""

    tick: int
    time: float


class _Stroke(NamedTuple):
    tick: int
    key: int
    velocity: int
    length: int  #: ticks


class _Tempo(NamedTuple):
    """From `tick`, which sounds at `time`, a quarter lasts `microseconds`."""

    tick: int
    time: float
    microseconds: int


def write_midi(performance: Performance, *, title: str = "") -> bytes:
    """Write the hits as they were played: every tick sounds at its second of the recording.

    Ticks fall on beats; time before the first beat becomes a lead-in of whole beats, so that bars stay on bar lines.
    Without a pulse the file runs at 120 bpm.

    Parameters
    ----------
    performance : Performance
        Hits in seconds and the beat grid.
    title : str
        Name of the tempo track.

    Returns
    -------
    bytes
        A Standard MIDI File; each note within 0.5 ms of its hit at 40 quarters a minute and faster.
    """
    points, signatures = _beat_points(performance.grid)
    tempi = _tempo_track(points, TICKS_PER_QUARTER)
    times = [hit.time for hit in performance.hits]
    ticks = _ticks_at(tempi, np.asarray(times, dtype=np.float64), TICKS_PER_QUARTER)
    length = int(NOTE_QUARTERS * TICKS_PER_QUARTER)
    strokes = [
        _Stroke(int(tick), KIT[hit.drum].midi_note, hit.velocity, length)
        for hit, tick in zip(performance.hits, ticks, strict=True)
        if hit.drum in KIT
    ]
    return _file(strokes, tempi, signatures, title=title, resolution=TICKS_PER_QUARTER)


def write_score_midi(score: Score) -> bytes:
    """Write the score as it stands: notes exactly on their written positions, tick 0 at the start of the first bar.

    The tempo track is the score's own tempo map, or its first metronome mark if it has no map. Velocities are kept;
    grace notes are struck just before their note, rolls as the strokes their tremolo stands for. Swing is written
    straight, as on the page, and named in a text event.
    """
    resolution = _resolution(score)
    anchors = [a for a in score.tempo_map.anchors if a.position > 0]
    if len(score.tempo_map.anchors) < 2 and score.tempo_marks:
        mark = score.tempo_marks[0]
        points = [_Point(0, 0.0), _Point(resolution, 60.0 / (mark.bpm * float(mark.unit)))]
    else:
        points = [_Point(0, score.tempo_map.time_at(Fraction(0)))]
        points += [_Point(round(a.position * resolution), a.time) for a in anchors]
        if len(points) == 1:
            points.append(_Point(resolution, score.tempo_map.time_at(Fraction(1))))
    origin = points[0].time
    tempi = _tempo_track([_Point(p.tick, p.time - origin) for p in points], resolution)

    strokes: list[_Stroke] = []
    signatures: list[tuple[int, Fraction, int]] = []
    for start, bar in zip(score.starts, score.bars, strict=True):
        signatures.append((round(start * resolution), bar.quarters, bar.time_signature.denominator))
        for note in bar.notes:
            strokes += _score_strokes(note, start, tempi, resolution)
    texts = () if score.swing is None else (f"Swing {'8ths' if score.swing == Fraction(1, 2) else '16ths'}",)
    return _file(strokes, tempi, signatures, title=score.title, resolution=resolution, texts=texts)


# ------------------------------------------------------------------------------------------------ notes


def _score_strokes(note: Note, start: Fraction, tempi: list[_Tempo], resolution: int) -> list[_Stroke]:
    """All strokes that one written note stands for: itself, its grace notes, its roll."""
    if note.drum not in KIT:
        return []
    key = KIT[note.drum].midi_note
    tick = round((start + note.onset) * resolution)
    length = max(1, round(min(note.duration, NOTE_QUARTERS) * resolution))
    tempo = next((t for t in reversed(tempi) if t.tick <= tick), tempi[0])
    apart = max(1, round(GRACE_SECONDS * 1e6 / tempo.microseconds * resolution))
    softer = max(1, round(note.velocity * GRACE_VELOCITY))
    # at the very start there is no room before the note: a grace note that cannot precede it is not struck
    early = [tick - apart * (note.grace - i) for i in range(note.grace)]
    strokes = [_Stroke(t, key, softer, max(1, apart // 2)) for t in early if t >= 0]
    if not note.tremolo:
        return [*strokes, _Stroke(tick, key, note.velocity, length)]
    step = Fraction(1, 2) / 2 ** (note.tremolo - 1)  # one stroke through the stem means eighths, two sixteenths
    count = max(1, int(note.duration / step))
    gap = max(1, round(step * resolution))
    return strokes + [_Stroke(tick + i * gap, key, note.velocity, max(1, gap // 2)) for i in range(count)]


def _resolution(score: Score) -> int:
    """Ticks per quarter on which every onset is exact; the usual 1920 unless a rare tuplet needs more."""
    starts = score.starts
    places = [start + note.onset for start, bar in zip(starts, score.bars, strict=True) for note in bar.notes]
    needed = lcm(TICKS_PER_QUARTER, *{p.denominator for p in (*places, *starts)})
    return needed if needed <= 0x7FFF else TICKS_PER_QUARTER


# ------------------------------------------------------------------------------------------------ tempo


def _beat_points(grid: BeatGrid) -> tuple[list[_Point], list[tuple[int, Fraction, int]]]:
    """Tick and second of every beat, and (tick, quarters, denominator) of every bar.

    The lead-in before the first beat is filled with the number of beats that comes closest to the tempo; together
    with a pick-up these make whole bars, after one shorter bar where they do not fit.
    """
    beats = [b for b in grid.beats if b.time >= 0]
    if len(beats) < 2:
        return [_Point(0, 0.0), _Point(TICKS_PER_QUARTER, 60.0 / DEFAULT_BPM)], [(0, Fraction(4), 4)]
    unit = round(grid.unit * TICKS_PER_QUARTER)
    denominator = 4 if grid.unit == 1 else 8
    first = beats[0].time
    # a first beat within a millisecond of the start is the start: no tempo leads through nothing
    lead = 0 if first < 1e-3 else max(1, round(first / (beats[1].time - first)))
    points = [_Point(0, 0.0)] + [_Point((lead + i) * unit, b.time) for i, b in enumerate(beats) if lead + i > 0]

    downbeats = [i for i, b in enumerate(beats) if b.number == 1]
    lengths = [b - a for a, b in pairwise(downbeats)]
    usual = max(set(lengths), key=lengths.count) if lengths else max(b.number for b in beats)
    before = lead + (downbeats[0] if downbeats else 0)
    bars = [before % usual] if before % usual else []
    bars += [usual] * (before // usual) + lengths + [usual]
    signatures: list[tuple[int, Fraction, int]] = []
    position = 0
    for length in bars:
        signatures.append((position * unit, length * grid.unit, denominator))
        position += length
    return points, signatures


def _tempo_track(points: list[_Point], resolution: int) -> list[_Tempo]:
    """Tempi that lead through all points; the last one goes on.

    A tempo is a whole number of microseconds, so each is chosen from where the ticks really stand: errors never add up.
    """
    tempi: list[_Tempo] = []
    time = points[0].time
    for here, there in pairwise(points):
        quarters = (there.tick - here.tick) / resolution
        if quarters <= 0:
            continue
        now = tempi[-1].microseconds if tempi else 0
        if not tempi or abs(time + now * 1e-6 * quarters - there.time) > TEMPO_SLACK:
            now = int(np.clip(round((there.time - time) / quarters * 1e6), 1, _MAX_TEMPO))
            tempi.append(_Tempo(here.tick, time, now))
        time += now * 1e-6 * quarters
    return tempi


def _ticks_at(tempi: list[_Tempo], times: np.ndarray, resolution: int) -> np.ndarray:
    """Nearest tick to each second."""
    starts = np.array([t.time for t in tempi])
    which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    ticks = np.array([t.tick for t in tempi])[which]
    rate = resolution * 1e6 / np.array([t.microseconds for t in tempi])[which]
    return np.maximum(0, np.rint(ticks + (times - starts[which]) * rate)).astype(np.int64)


# ------------------------------------------------------------------------------------------------ the file


def _signature(quarters: Fraction, denominator: int) -> tuple[int, int]:
    """Time signature of a bar of that length, over `denominator` or, if it does not fit, a finer one."""
    while (quarters * denominator / 4).denominator != 1 and denominator < 64:
        denominator *= 2
    return max(1, round(quarters * denominator / 4)), denominator


def _file(
    strokes: Iterable[_Stroke],
    tempi: list[_Tempo],
    bars: Iterable[tuple[int, Fraction, int]],
    *,
    title: str,
    resolution: int,
    texts: tuple[str, ...] = (),
) -> bytes:
    conductor: list[tuple[int, int, mido.MetaMessage]] = []
    shown: tuple[int, int] | None = None
    for tick, quarters, denominator in bars:
        signature = _signature(quarters, denominator)
        if signature != shown:
            shown = signature
            conductor.append((tick, 0, mido.MetaMessage("time_signature", numerator=signature[0], denominator=signature[1])))
    conductor += [(t.tick, 1, mido.MetaMessage("set_tempo", tempo=t.microseconds)) for t in tempi]
    head = [mido.MetaMessage("track_name", name=title or "DrumScribe")] + [mido.MetaMessage("text", text=text) for text in texts]

    notes: list[tuple[int, int, mido.Message]] = []
    ordered = sorted(set(strokes))
    next_tick: dict[int, int] = {}
    for stroke in reversed(ordered):
        # a key must be released before it is struck again; two hits of one key on one tick sound as the louder one
        end = min(stroke.tick + stroke.length, next_tick.get(stroke.key, stroke.tick + stroke.length))
        if end > stroke.tick:
            notes.append((stroke.tick, 1, mido.Message("note_on", channel=CHANNEL, note=stroke.key, velocity=stroke.velocity)))
            notes.append((end, 0, mido.Message("note_off", channel=CHANNEL, note=stroke.key, velocity=0)))
            next_tick[stroke.key] = stroke.tick
    file = mido.MidiFile(type=1, ticks_per_beat=resolution, charset="utf-8")
    file.tracks.append(_track(head, conductor))
    file.tracks.append(_track([mido.MetaMessage("track_name", name="Drums")], notes))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _track(head: list[mido.MetaMessage], events: Iterable[tuple[int, int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """Turn absolute ticks into a track; at one tick releases come before strokes."""
    track = mido.MidiTrack(head)
    now = 0
    for tick, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track


#: Drum of each General MIDI key that these files use, for readers.
DRUM_OF_KEY: dict[int, Drum] = {piece.midi_note: drum for drum, piece in KIT.items()}
