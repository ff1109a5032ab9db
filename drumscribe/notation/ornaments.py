"""Strokes that are written on other notes: flams, drags and rolls; and how loud a note is to look.

All is judged against the song itself, and in doubt left out: a page full of brackets and wedges is no help to a player.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from drumscribe.notation.tempo import Pulse
from drumscribe.types import Drum, Hit, Note

FLAM = 0.055  #: s from a grace note to its main note
FLAM_SHARE = 0.12  #: the same in beats; the smaller holds
ROLL = 0.065  #: s between the strokes of a roll
ROLL_STROKES = 4
ROLL_TREMOLO = 3  #: strokes through the stem: an unmeasured roll
#: Drums that are played with grace notes. On a cymbal or the bass drum, two onsets this close are one stroke heard twice.
GRACED = frozenset({Drum.SNARE, Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW})
ACCENTED = GRACED | {Drum.HIHAT_CLOSED, Drum.RIDE}
#: Pairs that share a place on the staff and a hand or a pedal: one of two that sound together was misheard.
EXCLUSIVE = {
    Drum.HIHAT_OPEN: Drum.HIHAT_CLOSED,
    Drum.CROSS_STICK: Drum.SNARE,
}
RIVALS = EXCLUSIVE | {other: one for one, other in EXCLUSIVE.items()}

TOGETHER = 0.030  #: s, strokes of different drums within this sound as one
TOGETHER_SHARE = 0.06  #: the same in beats

GHOST = 0.45  #: of the backbeat's velocity
ACCENT = 1.3  #: times the drum's usual velocity
MAX_ACCENTS = 0.15  #: of a drum's notes; above it, loud and soft alternate, and marks on every other note say nothing
BACKBEAT_SHARE = 0.40  #: of the bars with snare that have it at a place on the beat
MIN_NOTES = 8  #: of a drum, before "usual" means anything


@dataclass(frozen=True, slots=True)
class Stroke:
    """A hit with what is written on it."""

    hit: Hit
    grace: int = 0
    tremolo: int = 0


def gather(hits: Sequence[Hit], pulse: Pulse, apart: Collection[tuple[float, Drum]] = ()) -> list[Stroke]:
    """Fold grace notes and rolls into the strokes they belong to; hits must be sorted by time.

    A roll leaves one stroke, and one more on every beat that it goes on for. `Drum.OTHER` is left out. Hits that are named
    in `apart`, by time and drum, are never folded into others.
    """
    lanes: dict[Drum, list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.drum is not Drum.OTHER:
            lanes[hit.drum].append(hit)
    strokes = [s for lane in lanes.values() for s in _gather_lane(lane, pulse, apart)]
    return sorted(strokes, key=lambda s: (s.hit.time, s.hit.drum))


def _gather_lane(lane: list[Hit], pulse: Pulse, apart: Collection[tuple[float, Drum]]) -> list[Stroke]:
    strokes: list[Stroke] = []
    periods = pulse.periods
    places = pulse.places(np.array([h.time for h in lane]))
    start = 0
    while start < len(lane):
        end = start + 1
        while end < len(lane) and lane[end].time - lane[end - 1].time <= ROLL:
            end += 1
        run = lane[start:end]
        if len(run) >= ROLL_STROKES and run[0].drum in GRACED and not any((h.time, h.drum) in apart for h in run):
            beats = np.floor(places[start:end] + FLAM_SHARE).astype(int)
            heads = [0, *(k for k in range(1, len(run)) if beats[k] > beats[k - 1] and len(run) - k > 1 and k > 1)]
            strokes += [Stroke(run[k], tremolo=ROLL_TREMOLO) for k in heads]
        else:
            strokes += _fold_graces(run, min(FLAM, FLAM_SHARE * float(periods[int(places[start])])), apart)
        start = end
    return strokes


def _fold_graces(run: list[Hit], reach: float, apart: Collection[tuple[float, Drum]]) -> list[Stroke]:
    """Strokes closer than `reach` to the next lean on it: on a drum as grace notes, elsewhere as an echo."""
    strokes: list[Stroke] = []
    pending: list[Hit] = []
    for hit, following in zip(run, [*run[1:], None], strict=True):
        leans = following is not None and following.time - hit.time <= reach and len(pending) < 2
        if leans and (hit.time, hit.drum) not in apart:
            pending.append(hit)
            continue
        if hit.drum in GRACED or (hit.time, hit.drum) in apart:
            strokes.append(Stroke(hit, grace=len(pending) if hit.drum in GRACED else 0))
        else:
            strokes.append(Stroke(max([*pending, hit], key=lambda h: h.velocity)))
        pending = []
    return strokes


def together(strokes: Sequence[Stroke], pulse: Pulse) -> list[list[int]]:
    """Indices of strokes of different drums that sound as one, in order of time."""
    times = [s.hit.time for s in strokes]
    periods = pulse.periods
    reaches = [min(TOGETHER, TOGETHER_SHARE * float(periods[int(p)])) for p in pulse.places(np.array(times))]
    groups: list[list[int]] = []
    for j, stroke in enumerate(strokes):
        first = groups[-1][0] if groups else j
        near = groups and times[j] - times[first] <= reaches[first]
        if near and all(strokes[k].hit.drum is not stroke.hit.drum for k in groups[-1]):
            groups[-1].append(j)
        else:
            groups.append([j])
    return groups


def mark_dynamics(bars: list[list[Note]], on_beat: list[list[bool]], *, ghosts: bool, accents: bool) -> list[list[Note]]:
    """Bracket ghost notes and mark accents.

    Parameters
    ----------
    bars : list of list of Note
        All bars of a song.
    on_beat : list of list of bool
        For each of these notes, whether it falls on a beat.
    ghosts, accents : bool
        Which of the two to write.

    Notes
    -----
    A backbeat is a place on the beat where the snare falls in 40 % of the bars; it sets the scale and is never bracketed.
    """
    snares = [
        (n, beat)
        for bar, flags in zip(bars, on_beat, strict=True)
        for n, beat in zip(bar, flags, strict=True)
        if n.drum is Drum.SNARE
    ]
    with_snare = sum(any(n.drum is Drum.SNARE for n in bar) for bar in bars)
    counts = Counter(n.onset for n, beat in snares if beat)
    backbeats = {onset for onset, count in counts.items() if count >= BACKBEAT_SHARE * with_snare}
    usual = {drum: _usual([n.velocity for bar in bars for n in bar if n.drum is drum]) for drum in ACCENTED}
    scale = _usual([n.velocity for n, beat in snares if beat and n.onset in backbeats])
    if scale is None and len(snares) >= MIN_NOTES:
        scale = float(np.percentile([n.velocity for n, _ in snares], 75))
    usual[Drum.SNARE] = scale
    loud = {
        drum for drum in ACCENTED if accents and _rare([n.velocity for bar in bars for n in bar if n.drum is drum], usual[drum])
    }

    def mark(note: Note, beat: bool) -> Note:
        level = usual.get(note.drum)
        if level is None:
            return note
        if (
            ghosts
            and note.drum is Drum.SNARE
            and note.velocity < GHOST * level
            and not (beat and note.onset in backbeats)
            and not note.tremolo
        ):
            return replace(note, ghost=True)
        if note.drum in loud and note.velocity > ACCENT * level:
            return replace(note, accent=True)
        return note

    return [[mark(n, beat) for n, beat in zip(bar, flags, strict=True)] for bar, flags in zip(bars, on_beat, strict=True)]


def _usual(velocities: list[int]) -> float | None:
    return float(np.median(velocities)) if len(velocities) >= MIN_NOTES else None


def _rare(velocities: list[int], usual: float | None) -> bool:
    return usual is not None and 0 < sum(v > ACCENT * usual for v in velocities) <= MAX_ACCENTS * len(velocities)


def merge(first: Note, second: Note) -> Note | None:
    """One note for two on one slot if they cannot both be written: of one drum the louder, of an exclusive pair the surer."""
    if first.drum is second.drum:
        kept = max(first, second, key=lambda n: n.velocity)
        return replace(kept, grace=max(first.grace, second.grace), tremolo=max(first.tremolo, second.tremolo))
    if EXCLUSIVE.get(first.drum) is second.drum or EXCLUSIVE.get(second.drum) is first.drum:
        return max(first, second, key=lambda n: (n.confidence, n.velocity))
    return None
