"""An independent reader of our MusicXML, for round trips: what a musician would read off the page, bar by bar."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lxml import etree

from drumscribe.kit import KIT
from drumscribe.types import Bar, Drum, Event, Score, TimeSignature

_BY_KEY = {piece.midi_note: drum for drum, piece in KIT.items()}


def read_score(document: bytes) -> list[Any]:
    """Bars as (number, metre, section, voices); a voice maps onsets to what is printed there."""
    root = etree.fromstring(document)
    drums = {m.get("id"): _BY_KEY[int(m.findtext("midi-unpitched")) - 1] for m in root.iter("midi-instrument")}
    bars: list[Any] = []
    divisions, metre = 1, (4, 4)
    for measure in root.iter("measure"):
        if (text := measure.findtext("attributes/divisions")) is not None:
            divisions = int(text)
        if (time := measure.find("attributes/time")) is not None:
            metre = (int(time.findtext("beats")), int(time.findtext("beat-type")))
        voices: dict[int, dict[Fraction, Any]] = {}
        position, graces = Fraction(0), dict[Drum, int]()
        for element in measure:
            if element.tag == "backup":
                position -= Fraction(int(element.findtext("duration")), divisions)
            if element.tag != "note":
                continue
            drum = drums[element.find("instrument").get("id")] if element.find("unpitched") is not None else None
            if element.find("grace") is not None:
                graces[drum] = graces.get(drum, 0) + 1
                continue
            duration = Fraction(int(element.findtext("duration")), divisions)
            voice = voices.setdefault(int(element.findtext("voice")), {})
            if element.find("chord") is not None:
                position -= duration
            elif element.get("print-object") != "no":
                voice[position] = _printed(element, duration)
            if drum:
                head = element.find("notehead")
                velocity = round(float(element.get("dynamics")) * 90 / 100)
                note = (drum, head.get("parentheses") == "yes", velocity, graces.pop(drum, 0))
                voice[position]["notes"].add(note)
            position += duration
        section = measure.findtext("direction/direction-type/rehearsal") or ""
        bars.append((int(measure.get("number")), metre, section, {k: v for k, v in voices.items() if v}))
    return bars


def _printed(note: Any, duration: Fraction) -> dict[str, Any]:
    ratio = note.find("time-modification")
    tremolo = note.findtext("notations/ornaments/tremolo")
    return {
        "duration": duration,
        "value": note.findtext("type"),
        "dots": len(note.findall("dot")),
        "tuplet": (int(ratio.findtext("actual-notes")), int(ratio.findtext("normal-notes"))) if ratio is not None else None,
        "edges": [t.get("type") for t in note.findall("notations/tuplet")],
        "beams": tuple(b.text for b in note.findall("beam")),
        "accent": note.find("notations/articulations/accent") is not None,
        "tremolo": int(tremolo or 0),
        "notes": set(),
    }


def content_of(score: Score) -> list[Any]:
    """The same, taken from the score itself; a score without bars is printed as one silent bar."""
    bars: list[Any] = []
    for bar in score.bars or (Bar(1, TimeSignature(4, 4)),):
        voices = {i + 1: {e.onset: _written(e) for e in events if not e.hidden} for i, events in enumerate(bar.voices)}
        voices = {number: voice for number, voice in voices.items() if voice} or {1: {Fraction(0): _silence(bar)}}
        metre = (bar.time_signature.numerator, bar.time_signature.denominator)
        bars.append((bar.number, metre, bar.section, voices))
    return bars


def _written(event: Event) -> dict[str, Any]:
    return {
        "duration": event.duration,
        "value": None if event.whole_bar and not event.notes else event.value,
        "dots": event.dots,
        "tuplet": (event.tuplet.actual, event.tuplet.normal) if event.tuplet else None,
        "edges": [event.tuplet_edge] if event.tuplet_edge else [],
        "beams": event.beams,
        "accent": any(n.accent for n in event.notes),
        "tremolo": max((n.tremolo for n in event.notes), default=0),
        "notes": {(n.drum, n.ghost, n.velocity, n.grace) for n in event.notes},
    }


def _silence(bar: Bar) -> dict[str, Any]:
    return _written(Event(Fraction(0), bar.quarters, "whole", whole_bar=True))
