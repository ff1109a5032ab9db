"""Every value that travels between the rooms, in the order a song meets them.

Two clocks: seconds are `float` and end at `notate`; written time is `Fraction` (of a quarter note) and
begins there. Only `TempoMap` holds both: it is the bridge that players and the quantised MIDI file need.
Instances are frozen, checked when made, and never checked again.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1

FloatArray = NDArray[np.float32]


class Drum(StrEnum):
    """What was struck. The first nine are the guaranteed vocabulary, `CROSS_STICK` a documented extension."""

    KICK = "kick"
    SNARE = "snare"
    HIHAT_CLOSED = "hihat_closed"
    HIHAT_OPEN = "hihat_open"
    RIDE = "ride"
    CRASH = "crash"
    TOM_HIGH = "tom_high"
    TOM_MID = "tom_mid"
    TOM_LOW = "tom_low"
    CROSS_STICK = "cross_stick"
    OTHER = "other"  #: claps, tambourine, shaker, cowbell: heard so that they are not written as hats


#: Names that `hits.json` may contain under "instrument".
INSTRUMENTS: tuple[Drum, ...] = tuple(Drum)[:9]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


# ---------------------------------------------------------------------------------------------- sound


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Decoded sound."""

    samples: FloatArray  #: (channels, n) float32, nominally in [-1, 1], read-only
    sample_rate: int  #: Hz

    def __post_init__(self) -> None:
        _require(self.samples.ndim == 2, f"samples must be (channels, n), not {self.samples.shape}")
        _require(self.samples.dtype == np.float32, f"samples must be float32, not {self.samples.dtype}")
        _require(self.sample_rate > 0, f"sample_rate must be positive, not {self.sample_rate}")
        self.samples.flags.writeable = False

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples.shape[1] / self.sample_rate


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights made a value: `name@version`."""

    name: str
    version: str
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """What the transcriber listens to: the drums alone, or the whole mix."""

    audio: Audio
    source: str  #: "drums" or "mix"
    model: ModelRef | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """Frame-wise output of the transcription network."""

    values: FloatArray  #: (frames, drums) calibrated probability of an onset, [0, 1]
    velocities: FloatArray  #: (frames, drums) loudness if there is an onset, [0, 1]
    drums: tuple[Drum, ...]
    frame_rate: float  #: Hz; frame i is centred at i / frame_rate seconds
    model: ModelRef | None = None

    def __post_init__(self) -> None:
        shape = (self.values.shape[0], len(self.drums))
        _require(self.values.shape == shape, f"values are {self.values.shape}, expected {shape}")
        _require(self.velocities.shape == shape, f"velocities are {self.velocities.shape}, expected {shape}")
        _require(self.frame_rate > 0, f"frame_rate must be positive, not {self.frame_rate}")
        self.values.flags.writeable = False
        self.velocities.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class BeatActivations:
    """Frame-wise output of the beat network."""

    beats: FloatArray  #: (frames,) probability of a beat, [0, 1]
    downbeats: FloatArray  #: (frames,) probability of a downbeat, [0, 1]
    frame_rate: float  #: Hz; frame i is centred at i / frame_rate seconds
    model: ModelRef | None = None
    #: (seconds, tempi) log-probability of each of `beats.infer.TEMPI` in each second; None where the network does not say
    tempi: FloatArray | None = None

    def __post_init__(self) -> None:
        _require(self.beats.ndim == 1 and self.beats.shape == self.downbeats.shape, "beats and downbeats differ in length")
        _require(self.frame_rate > 0, f"frame_rate must be positive, not {self.frame_rate}")


# ---------------------------------------------------------------------------------------------- played


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """One stroke heard on one drum."""

    time: float  #: seconds from the start of the recording
    drum: Drum
    velocity: int  #: MIDI, 1-127
    confidence: float = 1.0  #: calibrated probability at the peak, 0-1

    def __post_init__(self) -> None:
        _require(math.isfinite(self.time) and self.time >= 0, f"time must be finite and not negative, not {self.time}")
        _require(1 <= self.velocity <= 127, f"velocity must be 1-127, not {self.velocity}")
        _require(0 <= self.confidence <= 1, f"confidence must be 0-1, not {self.confidence}")


@dataclass(frozen=True, slots=True)
class Beat:
    """One pulse of the metre."""

    time: float  #: seconds; may be slightly negative or after the end only where the grid is extrapolated
    number: int  #: place in the bar, 1 = downbeat


@dataclass(frozen=True, slots=True)
class BeatGrid:
    """The pulse of a song. `unit` is what one beat is worth in quarter notes: 1 in n/4, 3/2 in 6/8, 1/2 in 7/8."""

    beats: tuple[Beat, ...] = ()
    unit: Fraction = Fraction(1)
    confidence: float = 1.0  #: 0-1
    reliable: bool = True  #: False gives the warning `bpm_unreliable`

    def __post_init__(self) -> None:
        times = [b.time for b in self.beats]
        _require(all(a < b for a, b in pairwise(times)), "beat times must increase")
        _require(all(b.number >= 1 for b in self.beats), "beat numbers start at 1")
        _require(self.unit in (Fraction(1), Fraction(3, 2), Fraction(1, 2)), f"unit must be 1, 3/2 or 1/2, not {self.unit}")

    @property
    def bpm(self) -> float | None:
        """Median tempo in beats (of `unit`) a minute; None with fewer than two beats."""
        if len(self.beats) < 2:
            return None
        return 60.0 / float(np.median(np.diff([b.time for b in self.beats])))


@dataclass(frozen=True, slots=True)
class Performance:
    """What was played, in seconds. Crosses from listen to engrave."""

    hits: tuple[Hit, ...]  #: sorted by (time, drum)
    grid: BeatGrid
    duration: float  #: seconds of the recording
    layout: Layout | None = None  #: how it is written, where a person has corrected it; None: to be found
    told: tuple[Told, ...] = ()  #: strokes that a person has put in their place; they keep it under another pulse, too

    def __post_init__(self) -> None:
        keys = [(h.time, h.drum) for h in self.hits]
        _require(all(a <= b for a, b in pairwise(keys)), "hits must be sorted by (time, drum)")
        _require(math.isfinite(self.duration) and self.duration >= 0, f"duration must be finite, not {self.duration}")


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """All that listen returns."""

    stem: Stem
    activations: Activations
    performance: Performance


# ---------------------------------------------------------------------------------------------- written


@dataclass(frozen=True, slots=True)
class TimeSignature:
    """Bar length; `numerator / denominator` as printed."""

    numerator: int
    denominator: int

    @property
    def length(self) -> Fraction:
        """Quarter notes in a bar."""
        return Fraction(4 * self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Note:
    """One written hit."""

    onset: Fraction  #: quarter notes from the bar line, in [0, bar length)
    duration: Fraction  #: quarter notes
    drum: Drum
    velocity: int  #: MIDI, 1-127
    voice: int  #: 1 = hands (stems up), 2 = feet (stems down); always 1 when one voice is asked for
    confidence: float = 1.0
    ghost: bool = False  #: parenthesised head
    accent: bool = False
    grace: int = 0  #: grace notes before it: 1 = flam, 2 = drag
    tremolo: int = 0  #: strokes through the stem of a roll, 0 = none
    time: float | None = None  #: seconds at which the hit behind it sounded, for players and editors


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` notes in the time of `normal`."""

    actual: int
    normal: int


@dataclass(frozen=True, slots=True)
class Event:
    """A chord or a rest as it is drawn: one stem in one voice. The events of a voice fill the bar exactly."""

    onset: Fraction  #: quarter notes from the bar line
    duration: Fraction  #: sounding length in quarter notes, after dots and tuplet
    value: str  #: MusicXML note type: "whole", "half", "quarter", "eighth", "16th", "32nd", "64th"
    dots: int = 0
    notes: tuple[Note, ...] = ()  #: empty = rest; else all notes of this voice at this onset, sorted by drum
    tuplet: Tuplet | None = None
    tuplet_edge: str = ""  #: "start", "stop" or "" (inside); only meaningful with `tuplet`
    beams: tuple[str, ...] = ()  #: per level from 1: "begin", "continue", "end", "forward hook", "backward hook"
    hidden: bool = False  #: a rest that fills time but is not printed
    whole_bar: bool = False  #: a rest for the whole bar (drawn centred, whatever the metre)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `notes` is the plain truth, `voices` the same notes spelled for the page."""

    number: int  #: printed number from 1; a pick-up bar is 0
    time_signature: TimeSignature
    notes: tuple[Note, ...] = ()  #: sorted by (onset, drum)
    voices: tuple[tuple[Event, ...], ...] = ()  #: one entry per voice; the second may be absent
    section: str = ""  #: rehearsal letter that starts here
    simile: int = 0  #: 1 or 2: this bar repeats the last 1 or 2 bars and is printed as a simile
    simile_count: int = 0  #: on a simile: how often the pattern has been played up to here (2 = first repeat)
    length: Fraction | None = None  #: actual length of a pick-up bar when shorter than its time signature

    @property
    def quarters(self) -> Fraction:
        """Actual length in quarter notes."""
        return self.time_signature.length if self.length is None else self.length


@dataclass(frozen=True, slots=True)
class TempoMark:
    """A printed metronome mark."""

    bar: int  #: index into `Score.bars`
    bpm: float  #: beats of `unit` a minute
    unit: Fraction = Fraction(1)  #: quarter notes per beat


@dataclass(frozen=True, slots=True)
class Anchor:
    """`time` seconds of the recording is `position` quarter notes from the start of the first bar."""

    position: Fraction
    time: float


@dataclass(frozen=True, slots=True)
class TempoMap:
    """The bridge between the clocks: linear between anchors, extrapolated at the ends."""

    anchors: tuple[Anchor, ...] = ()

    def time_at(self, position: Fraction) -> float:
        """Seconds of the recording at `position` quarter notes from the start of the first bar."""
        if len(self.anchors) < 2:
            base = self.anchors[0] if self.anchors else Anchor(Fraction(0), 0.0)
            return base.time + float(position - base.position) * 0.5
        after = bisect_left(self.anchors, position, key=lambda anchor: anchor.position)
        index = min(max(after - 1, 0), len(self.anchors) - 2)
        left, right = self.anchors[index], self.anchors[index + 1]
        share = float(position - left.position) / float(right.position - left.position)
        return left.time + share * (right.time - left.time)


@dataclass(frozen=True, slots=True)
class Score:
    """What is written, in bars."""

    bars: tuple[Bar, ...] = ()
    tempo_marks: tuple[TempoMark, ...] = ()
    tempo_map: TempoMap = field(default_factory=TempoMap)
    title: str = ""
    subtitle: str = ""
    swing: Fraction | None = None  #: the value that swings: 1/2 (eighths) or 1/4 (sixteenths); None = straight
    swing_ratio: float = 0.5  #: place of the off-beat inside the pair, 2/3 = triplet feel

    @property
    def starts(self) -> tuple[Fraction, ...]:
        """Start of each bar in quarter notes from the start of the first."""
        position, starts = Fraction(0), []
        for bar in self.bars:
            starts.append(position)
            position += bar.quarters
        return tuple(starts)


# ---------------------------------------------------------------------------------------------- corrected


@dataclass(frozen=True, slots=True)
class Told:
    """A hit whose written place a person has named."""

    time: float  #: seconds, as of its hit
    drum: Drum
    parts: int  #: denominator of that place in quarter notes: 1, 2, 4 or 8; 3, 6 or 12 in a triplet


@dataclass(frozen=True, slots=True)
class Placed:
    """A hit and where it is written."""

    time: float  #: seconds, as of its hit
    drum: Drum
    bar: int  #: index into `Layout.bars`
    onset: Fraction  #: quarter notes from the bar line
    grace: int = 0  #: grace notes before it
    tremolo: int = 0  #: strokes through its stem


@dataclass(frozen=True, slots=True)
class Layout:
    """Bars and places that stay as they are. Without it, one stroke more or less would move others: the grid of every
    beat is weighed against all others of the song.
    """

    bars: tuple[Bar, ...]  #: number, metre and length of each; without notes
    strokes: tuple[Placed, ...]  #: all that is written, sorted by (bar, onset, drum)
    tempo_marks: tuple[TempoMark, ...] = ()
    tempo_map: TempoMap = field(default_factory=TempoMap)
    swing: Fraction | None = None  #: as in `Score`
    swing_ratio: float = 0.5

    def __post_init__(self) -> None:
        for stroke in self.strokes:
            _require(0 <= stroke.bar < len(self.bars), f"there is no bar {stroke.bar}")
            length = self.bars[stroke.bar].quarters
            _require(0 <= stroke.onset < length, f"place {stroke.onset} is outside its bar of {length} quarter notes")


# ---------------------------------------------------------------------------------------------- whole


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` of `stage` is done."""

    stage: str  #: "ingest", "separate", "listen", "beats", "engrave"
    fraction: float  #: 0-1


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Default callback: do nothing."""
