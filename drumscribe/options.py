"""What a caller may choose: one frozen class per verb, and the whole set. Shared by library, API and flags."""

from __future__ import annotations

from dataclasses import dataclass, field

from drumscribe.errors import OptionError

PDF_BACKENDS = ("lilypond", "musescore", "verovio", "none")
SEPARATION_BACKENDS = ("none", "light", "demucs")


def _check(condition: bool, message: str, **facts: object) -> None:
    if not condition:
        raise OptionError(message, **facts)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Limits on what is accepted."""

    min_duration_s: float = 5.0
    max_duration_s: float = 900.0
    min_sample_rate: int = 16_000
    silence_dbfs: float = -60.0  #: quieter than this (RMS of the loudest second) counts as silence


@dataclass(frozen=True, slots=True)
class SeparationOptions:
    """How the drums are isolated. All but the first and the last field are for Demucs."""

    backend: str = "none"
    model: str = "htdemucs"  #: a name that Demucs knows, or a file of weights. Weights can run code: trust their source
    model_folder: str = ""  #: where named weights lie; empty: Demucs fetches them once and keeps them
    device: str = "auto"  #: "auto", "cpu" or "cuda"
    precision: str = "auto"  #: "float32", "bfloat16", or "auto": the second where the processor has it in hardware
    threads: int | None = None  #: of the light network's arithmetic; None: one per core

    def __post_init__(self) -> None:
        _check(
            self.backend in SEPARATION_BACKENDS,
            f"Separation must be one of {', '.join(SEPARATION_BACKENDS)}, not {self.backend!r}.",
        )
        _check(self.device in ("auto", "cpu", "cuda"), f"The device must be 'auto', 'cpu' or 'cuda', not {self.device!r}.")
        known = ("auto", "float32", "bfloat16")
        _check(self.precision in known, f"The precision must be one of {', '.join(known)}, not {self.precision!r}.")


@dataclass(frozen=True, slots=True)
class PickingOptions:
    """How activations become hits. The thresholds themselves belong to the model."""

    sensitivity: float = 0.0  #: added to every logit; > 0 finds more and invents more
    min_gap: float = 0.03  #: seconds between two hits of one drum

    def __post_init__(self) -> None:
        _check(-5 <= self.sensitivity <= 5, f"Sensitivity must lie within -5 and 5, not {self.sensitivity}.")
        _check(0.01 <= self.min_gap <= 0.2, f"The gap between hits must lie within 0.01 and 0.2 s, not {self.min_gap}.")


@dataclass(frozen=True, slots=True)
class BeatOptions:
    """What the listener is told about the pulse."""

    bpm: float | None = None  #: 40-300 beats a minute; the tracker follows it, drift included
    octave: str = ""  #: "half" or "double": halve or double the tempo that was found
    downbeat: int = 0  #: move every bar line by this many beats later (negative: earlier)
    time_signature: str = ""  #: "4/4", "3/4", "6/8", …: forces the metre

    def __post_init__(self) -> None:
        _check(
            self.bpm is None or 40 <= self.bpm <= 300, f"The tempo must lie within 40 and 300 bpm, not {self.bpm}.", bpm=self.bpm
        )
        _check(self.octave in ("", "half", "double"), f"The octave must be 'half' or 'double', not {self.octave!r}.")
        _check(-11 <= self.downbeat <= 11, f"The downbeat can move by at most 11 beats, not {self.downbeat}.")
        if self.time_signature:
            top, _, bottom = self.time_signature.partition("/")
            allowed = top.isdecimal() and bottom in ("4", "8") and 2 <= int(top) <= 15
            _check(allowed, f"The metre must read like 4/4 or 6/8, not {self.time_signature!r}.")


@dataclass(frozen=True, slots=True)
class NotationOptions:
    """How the performance is written."""

    voices: int = 2  #: 1 or 2
    title: str = ""
    similes: bool = False  #: print repeated bars as similes with a count
    sections: bool = True  #: rehearsal letters
    ghost_notes: bool = True
    accents: bool = True
    swing: bool = True  #: write swung eighths straight under the word Swing

    def __post_init__(self) -> None:
        _check(self.voices in (1, 2), f"Voices must be 1 or 2, not {self.voices}.")


@dataclass(frozen=True, slots=True)
class PdfOptions:
    """How pages are engraved."""

    backend: str = "lilypond"
    timeout_s: float = 60.0
    lilypond_bin: str = ""  #: empty: the one that came with the package, else the one on PATH
    musescore_bin: str = ""  #: empty: the one on PATH
    paper: str = "a4"  #: "a4" or "letter"
    bars_per_line: int = 4

    def __post_init__(self) -> None:
        _check(self.backend in PDF_BACKENDS, f"The PDF backend must be one of {', '.join(PDF_BACKENDS)}, not {self.backend!r}.")
        _check(self.paper in ("a4", "letter"), f"Paper must be 'a4' or 'letter', not {self.paper!r}.")
        _check(1 <= self.bars_per_line <= 12, f"Bars per line must lie within 1 and 12, not {self.bars_per_line}.")


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a transcription may be told."""

    ingest: IngestOptions = field(default_factory=IngestOptions)
    separation: SeparationOptions = field(default_factory=SeparationOptions)
    picking: PickingOptions = field(default_factory=PickingOptions)
    beats: BeatOptions = field(default_factory=BeatOptions)
    notation: NotationOptions = field(default_factory=NotationOptions)
    pdf: PdfOptions = field(default_factory=PdfOptions)
