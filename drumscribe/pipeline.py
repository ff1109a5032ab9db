"""The one file to read first: a song passes through two rooms.

    listen    Audio ─ isolate → Stem ─ activate → Activations ─ pick_hits → Hits ─┐
                                        └─ activate_beats ─ track_beats → BeatGrid ┴→ Performance
    engrave   Performance ─ notate → Score ─ write_musicxml / write_midi / write_pdf → bytes

In `listen`, sound becomes what was played, in seconds; in `engrave`, that becomes what is written, in bars.
Both are pure functions of their arguments. The command line, the server and the queue call the same two. Where the work is
spread over several steps, they call what `listen` consists of: `isolate`, `hear` (all networks) and `count` (none).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from drumscribe.annoteator import classify
from drumscribe.audio import load_audio
from drumscribe.beats import activate_beats, track_beats
from drumscribe.detection import activate, pick_hits
from drumscribe.export import write_musicxml
from drumscribe.notation import notate
from drumscribe.options import Options
from drumscribe.separation import hears_stem, isolate
from drumscribe.types import (
    Activations,
    Audio,
    BeatActivations,
    BeatGrid,
    Drum,
    Heard,
    Hit,
    OnProgress,
    Performance,
    Progress,
    Score,
    Stem,
    ignore_progress,
)
from drumscribe.weights import Models, load_models


@dataclass(frozen=True, slots=True, eq=False)
class Transcription:
    """A song as heard and as written, with what made it."""

    performance: Performance
    score: Score
    heard: Heard
    options: Options
    models: tuple[str, ...]  #: `name@version` of every network that had a part
    vocabulary: tuple[Drum, ...]  #: the drums that could have been heard
    package_version: str

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What was played, sorted by (time, drum)."""
        return self.performance.hits

    @property
    def grid(self) -> BeatGrid:
        """Beats and downbeats."""
        return self.performance.grid

    @property
    def bpm(self) -> float | None:
        """Median tempo; None if no beat was found."""
        return self.performance.grid.bpm

    @property
    def confidence(self) -> float:
        """Mean confidence of the hits, 0-1; 0 without hits."""
        return mean_confidence(self.performance)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before trusting the score, see `doubts`."""
        return doubts(self.performance)

    def to_musicxml(self) -> bytes:
        """The score as an uncompressed MusicXML 4.0 document."""
        return write_musicxml(self.score)


#: Mean confidence under which a transcription carries the warning `low_confidence`.
LOW_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What the networks make of a stem: all that is needed to count."""

    activations: Activations
    hits: tuple[Hit, ...]
    beats: BeatActivations


def listen(audio: Audio, models: Models, *, options: Options | None = None, on_progress: OnProgress = ignore_progress) -> Heard:
    """Hear what was played.

    Parameters
    ----------
    audio : Audio
        One or two channels at any rate.
    models : Models
        Loaded networks, from `load_models`.

    Returns
    -------
    Heard
        The stem, the activations and the `Performance`.
    """
    options = options or Options()
    stem = isolate(audio, options=options.separation, on_progress=on_progress)
    heard = stem if hears_stem(options.separation) else Stem(audio, "mix")
    hearing = hear(heard, models, options=options, on_progress=on_progress)
    performance = count(hearing.hits, hearing.beats, duration=audio.duration, options=options)
    on_progress(Progress("beats", 1.0))
    return Heard(stem, hearing.activations, performance)


def hear(stem: Stem, models: Models, *, options: Options | None = None, on_progress: OnProgress = ignore_progress) -> Hearing:
    """Run the networks over a stem: strokes, and where beats may be."""
    options = options or Options()
    if models.classifier:
        activations, spectrum = activate(stem, models.drums, on_progress=_half(on_progress, 0.0))
        hits = classify(stem.audio, models.classifier, options=options.beats, on_progress=_half(on_progress, 0.5))
    else:
        activations, spectrum = activate(stem, models.drums, on_progress=on_progress)
        hits = pick_hits(activations, models.drums.picking, options=options.picking)
    on_progress(Progress("beats", 0.0))
    return Hearing(activations, hits, activate_beats(spectrum, activations, models.beats))


def count(hits: tuple[Hit, ...], beats: BeatActivations, *, duration: float, options: Options | None = None) -> Performance:
    """Find the pulse. Needs no network: other options may be tried on what was heard once."""
    grid = track_beats(beats, hits, duration=duration, options=(options or Options()).beats)
    return Performance(hits, grid, duration)


def mean_confidence(performance: Performance) -> float:
    """Mean confidence of the hits, 0-1; 0 without hits."""
    return sum(h.confidence for h in performance.hits) / len(performance.hits) if performance.hits else 0.0


def doubts(performance: Performance) -> tuple[str, ...]:
    """`bpm_unreliable`, `low_confidence`, `no_hits`: what a user should know before trusting the score."""
    found = []
    if not performance.grid.reliable:
        found.append("bpm_unreliable")
    if not performance.hits:
        found.append("no_hits")
    elif mean_confidence(performance) < LOW_CONFIDENCE:
        found.append("low_confidence")
    return tuple(found)


def _half(on_progress: OnProgress, start: float) -> OnProgress:
    """Tell of half a stage as from `start` on."""
    return lambda progress: on_progress(Progress(progress.stage, start + progress.fraction / 2))


def engrave(performance: Performance, *, options: Options | None = None) -> Score:
    """Write what was played. Needs no model, no sound and no GPU."""
    return notate(performance, options=(options or Options()).notation)


def transcribe(
    song: str | Path | Audio,
    *,
    models: Models | None = None,
    options: Options | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Transcription:
    """Turn a song into drum sheet music.

    Parameters
    ----------
    song : path or Audio
        An audio file in any common format, or decoded audio.
    models : Models, optional
        Loaded networks; by default those that ship with the package.

    Raises
    ------
    InputError
        If the file cannot be used; the subclass says why.
    WeightsError
        If the models are missing or damaged.
    """
    options = options or Options()
    on_progress(Progress("ingest", 0.0))
    audio = song if isinstance(song, Audio) else load_audio(song, options=options.ingest)
    models = models or load_models()
    heard = listen(audio, models, options=options, on_progress=on_progress)
    on_progress(Progress("engrave", 0.0))
    score = engrave(heard.performance, options=options)
    on_progress(Progress("engrave", 1.0))
    return Transcription(heard.performance, score, heard, options, models.refs, models.vocabulary, version("drumscribe"))
