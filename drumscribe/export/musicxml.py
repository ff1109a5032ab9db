"""Score → MusicXML 4.0.

One part on one percussion staff. Every note carries what readers otherwise guess differently: voice, stem, beams, head
and the instrument behind it. Some choices are made for the readers in use (MuseScore, Verovio, OpenSheetMusicDisplay,
alphaTab), which agree only on these forms: an open hi-hat is `<open-string placement="above"/>`, round heads are written
as `<notehead>normal</notehead>`, an accent stands once per stem on the first note of the chord. Bars behind a simile or
a long rest keep their content, so a reader that ignores `<measure-style>` shows and plays them in full.

The bytes depend on the score alone: no dates, no generated ids.
"""

from __future__ import annotations

import io
import math
import zipfile
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from drumscribe.export.layout import (
    bars_of,
    begins_section,
    drum_key_lines,
    drums_used,
    heading,
    line_starts,
    printable,
    rest_runs,
    staff_position,
)
from drumscribe.kit import KIT, KitPiece
from drumscribe.types import Bar, Event, Note, Score, TempoMark

_PROLOGUE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
"""

_PART = "P1"

#: MusicXML counts `dynamics` in percent of a forte, which it puts at MIDI velocity 90.
_FORTE = 90

#: A4 in tenths of a staff space, for a staff 7 mm high (40 tenths).
_MILLIMETRES, _TENTHS = 7, 40
_PAGE_HEIGHT, _PAGE_WIDTH, _MARGIN = 1697, 1200, 85

#: Printed beat of a metronome mark: quarter notes per beat → note type and dots.
_BEAT_UNITS = {Fraction(1): ("quarter", 0), Fraction(3, 2): ("quarter", 1), Fraction(1, 2): ("eighth", 0)}

#: Where rests stand when both voices are printed, so that neither collides with the other's notes.
_REST_PLACES = (("E", "5"), ("E", "4"))


def write_musicxml(score: Score, *, bars_per_line: int = 4) -> bytes:
    """The score as an uncompressed MusicXML 4.0 document.

    Parameters
    ----------
    score : Score
        May be empty: one silent bar is written.
    bars_per_line : int
        Hint for readers that honour system breaks.

    Returns
    -------
    bytes
        UTF-8, valid against the official schema, the same for the same score.
    """
    root = Element("score-partwise", version="4.0")
    _add(_add(root, "work"), "work-title", heading(score))
    encoding = _add(_add(root, "identification"), "encoding")
    _add(encoding, "software", "DrumScribe")
    for element in ("accidental", "beam", "stem"):
        _add(encoding, "supports", element=element, type="yes" if element != "accidental" else "no")
    _add(encoding, "supports", element="print", attribute="new-system", type="yes", value="yes")
    _write_page(root, score)
    _write_part_list(root, drums_used(score))
    part = _add(root, "part", id=_PART)
    _write_bars(part, score, bars_per_line)
    ElementTree.indent(root, space=" ")
    return f"{_PROLOGUE}{ElementTree.tostring(root, encoding='unicode')}\n".encode()


def write_mxl(score: Score, *, bars_per_line: int = 4) -> bytes:
    """The score as a compressed MusicXML file (`.mxl`): a zip with a container that names the document inside."""
    container = Element("container")
    files = _add(container, "rootfiles")
    _add(files, "rootfile", **{"full-path": "score.musicxml", "media-type": "application/vnd.recordare.musicxml+xml"})
    entries = {
        "mimetype": b"application/vnd.recordare.musicxml",
        "META-INF/container.xml": ElementTree.tostring(container, encoding="UTF-8", xml_declaration=True),
        "score.musicxml": write_musicxml(score, bars_per_line=bars_per_line),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            # a fixed date keeps the bytes equal; the mimetype stands first and plain, as for other zipped documents
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _add(parent: Element, tag: str, text: object = None, /, **attributes: str) -> Element:
    child = ElementTree.SubElement(parent, tag, attrib=attributes)
    if text is not None:
        child.text = str(text)
    return child


# ---------------------------------------------------------------------------------------------- header


def _write_page(root: Element, score: Score) -> None:
    defaults = _add(root, "defaults")
    scaling = _add(defaults, "scaling")
    _add(scaling, "millimeters", _MILLIMETRES)
    _add(scaling, "tenths", _TENTHS)
    page = _add(defaults, "page-layout")
    _add(page, "page-height", _PAGE_HEIGHT)
    _add(page, "page-width", _PAGE_WIDTH)
    margins = _add(page, "page-margins", type="both")
    for side in ("left", "right", "top", "bottom"):
        _add(margins, f"{side}-margin", _MARGIN)

    # one credit holds the whole heading: readers stack credits of their own at the same height, on top of each other
    lines = [(heading(score), "22", "bold")]
    if printable(score.subtitle):
        lines.append((printable(score.subtitle), "13", "normal"))
    lines += [(line, "7", "normal") for line in drum_key_lines(score)]
    credit = _add(root, "credit", page="1")
    place = {"default-x": str(_PAGE_WIDTH // 2), "default-y": str(_PAGE_HEIGHT - _MARGIN), "justify": "center", "valign": "top"}
    for number, (line, size, weight) in enumerate(lines):
        words = _add(credit, "credit-words", f"\n{line}" if number else line, **place)
        words.attrib |= {"font-size": size, "font-weight": weight, "xml:space": "preserve"}
        place = {}


def _instrument_id(piece: KitPiece) -> str:
    return f"{_PART}-I{piece.midi_note + 1}"


def _write_part_list(root: Element, pieces: tuple[KitPiece, ...]) -> None:
    part = _add(_add(root, "part-list"), "score-part", id=_PART)
    _add(part, "part-name", "Drumset", **{"print-object": "no"})
    _add(part, "part-abbreviation", "Dr.", **{"print-object": "no"})
    for piece in pieces:
        _add(_add(part, "score-instrument", id=_instrument_id(piece)), "instrument-name", piece.name)
    for piece in pieces:
        midi = _add(part, "midi-instrument", id=_instrument_id(piece))
        _add(midi, "midi-channel", 10)
        _add(midi, "midi-program", 1)
        _add(midi, "midi-unpitched", piece.midi_note + 1)
        _add(midi, "volume", 80)


# ---------------------------------------------------------------------------------------------- bars


def _write_bars(part: Element, score: Score, bars_per_line: int) -> None:
    bars = bars_of(score)
    breaks = line_starts(score, bars_per_line)
    runs = rest_runs(score)
    marks = {mark.bar: mark for mark in score.tempo_marks}
    divisions = _divisions(bars)
    previous: Bar | None = None
    for index, bar in enumerate(bars):
        measure = _add(part, "measure", number=str(bar.number))
        if bar.length is not None:
            measure.set("implicit", "yes")
        if index and index in breaks:
            _add(measure, "print", **{"new-system": "yes"})
        _write_attributes(measure, bar, previous, divisions, runs.get(index, 0))
        if bar.section:
            _write_section(measure, bar.section)
        swings = score if index == 0 and score.swing is not None else None
        if index in marks or swings:
            _write_tempo(measure, marks.get(index), swings)
        _write_voices(measure, bar, divisions)
        last = index + 1 == len(bars)
        if last or begins_section(bars, index + 1):
            _add(_add(measure, "barline", location="right"), "bar-style", "light-heavy" if last else "light-light")
        previous = bar


def _divisions(bars: tuple[Bar, ...]) -> int:
    """Smallest division of the quarter note that every written length is a multiple of."""
    lengths = [bar.quarters for bar in bars]
    lengths += [event.duration for bar in bars for voice in bar.voices for event in voice]
    return math.lcm(*(length.denominator for length in lengths))


def _write_attributes(measure: Element, bar: Bar, previous: Bar | None, divisions: int, silent: int) -> None:
    attributes = Element("attributes")
    if previous is None:
        _add(attributes, "divisions", divisions)
        _add(_add(attributes, "key"), "fifths", 0)
    if previous is None or previous.time_signature != bar.time_signature:
        time = _add(attributes, "time")
        _add(time, "beats", bar.time_signature.numerator)
        _add(time, "beat-type", bar.time_signature.denominator)
    if previous is None:
        _add(_add(attributes, "clef"), "sign", "percussion")
    before = previous.simile if previous else 0
    if bar.simile != before:
        style = _add(attributes, "measure-style")
        if bar.simile:
            _add(style, "measure-repeat", bar.simile, type="start", slashes=str(bar.simile))
        else:
            _add(style, "measure-repeat", type="stop")
    if silent:
        _add(_add(attributes, "measure-style"), "multiple-rest", silent)
    if len(attributes):
        measure.append(attributes)


def _write_section(measure: Element, name: str) -> None:
    kind = _add(_add(measure, "direction", placement="above"), "direction-type")
    _add(kind, "rehearsal", printable(name), **{"font-weight": "bold", "enclosure": "square"})


def _write_tempo(measure: Element, mark: TempoMark | None, score: Score | None) -> None:
    """Given a score that swings, the word Swing, and the metronome mark: one direction, so that they cannot collide."""
    direction = _add(measure, "direction", placement="above")
    sound = Element("sound")
    if score and score.swing is not None:
        sixteenths = score.swing == Fraction(1, 4)
        space = {"xml:space": "preserve", "font-weight": "bold", "font-style": "italic"}
        _add(_add(direction, "direction-type"), "words", "Swing 16ths  " if sixteenths else "Swing  ", **space)
        swing = _add(sound, "swing")
        # long to short as small whole numbers: 2/3 gives 2:1
        share = Fraction(score.swing_ratio).limit_denominator(8)
        _add(swing, "first", share.numerator)
        _add(swing, "second", share.denominator - share.numerator)
        _add(swing, "swing-type", "16th" if sixteenths else "eighth")
    if mark:
        metronome = _add(_add(direction, "direction-type"), "metronome", parentheses="no")
        note_type, dots = _BEAT_UNITS[mark.unit]
        _add(metronome, "beat-unit", note_type)
        for _ in range(dots):
            _add(metronome, "beat-unit-dot")
        _add(metronome, "per-minute", round(mark.bpm))
        sound.set("tempo", f"{mark.bpm * float(mark.unit):.2f}")
    direction.append(sound)


# ---------------------------------------------------------------------------------------------- notes


def _write_voices(measure: Element, bar: Bar, divisions: int) -> None:
    whole = Event(Fraction(0), bar.quarters, "whole", whole_bar=True)
    printed = [(i, v) for i, v in enumerate(bar.voices) if any(not event.hidden for event in v)] or [(0, (whole,))]
    for place, (index, voice) in enumerate(printed):
        if place:
            _add(_add(measure, "backup"), "duration", int(bar.quarters * divisions))
        for position, event in enumerate(voice):
            writer = _EventWriter(measure, event, index, divisions, alone=len(printed) == 1)
            if event.notes:
                writer.write_chord(_tuplet_is_beamed(voice, position))
            else:
                writer.write_rest()


def _tuplet_is_beamed(voice: tuple[Event, ...], start: int) -> bool:
    """Whether one beam joins all of the tuplet that starts at `start`, so that it needs no bracket."""
    for event in voice[start:]:
        if not event.beams or (event.beams[0] == "end") != (event.tuplet_edge == "stop"):
            return False
        if event.tuplet_edge == "stop":
            return voice[start].beams[0] == "begin"
    return False


class _EventWriter:
    """Writes one event of one voice into its measure."""

    def __init__(self, measure: Element, event: Event, voice: int, divisions: int, *, alone: bool) -> None:
        self.measure = measure
        self.event = event
        self.voice = voice
        self.divisions = divisions
        self.alone = alone
        self.stem = "down" if voice else "up"
        self.side = "below" if voice else "above"

    def write_rest(self) -> None:
        event = self.event
        note = _add(self.measure, "note")
        rest = _add(note, "rest")
        if event.hidden:
            note.set("print-object", "no")
        elif event.whole_bar:
            rest.set("measure", "yes")
        if not event.hidden and not self.alone:
            step, octave = _REST_PLACES[self.voice]
            _add(rest, "display-step", step)
            _add(rest, "display-octave", octave)
        _add(note, "duration", int(event.duration * self.divisions))
        _add(note, "voice", self.voice + 1)
        if not event.whole_bar:
            self._write_value(note)
        if event.tuplet_edge:
            self._write_tuplet(_add(note, "notations"), beamed=False)

    def write_chord(self, beamed_tuplet: bool) -> None:
        event = self.event
        # the first note speaks for the chord; an open hi-hat goes first because its circle hangs on the note
        notes = sorted(event.notes, key=lambda n: (not KIT[n.drum].open_circle, -staff_position(KIT[n.drum])))
        graced = [n for n in notes if n.grace]
        self._write_graces(graced)
        for index, written in enumerate(notes):
            note = ElementTree.SubElement(self.measure, "note", dynamics=f"{100 * written.velocity / _FORTE:.2f}")
            if index:
                _add(note, "chord")
            self._write_place(note, written)
            _add(note, "duration", int(event.duration * self.divisions))
            _add(note, "instrument", id=_instrument_id(KIT[written.drum]))
            _add(note, "voice", self.voice + 1)
            self._write_value(note)
            _add(note, "stem", self.stem)
            self._write_head(note, written)
            if not index:
                for level, beam in enumerate(event.beams, 1):
                    _add(note, "beam", beam, number=str(level))
            notations = Element("notations")
            if graced and written is graced[0]:
                _add(notations, "slur", type="stop", number="1")
            if not index:
                self._write_chord_notations(notations, beamed_tuplet)
            if KIT[written.drum].open_circle:
                _add(_add(notations, "technical"), "open-string", placement="above")
            if len(notations):
                note.append(notations)

    def _write_chord_notations(self, notations: Element, beamed_tuplet: bool) -> None:
        if self.event.tuplet_edge:
            self._write_tuplet(notations, beamed=beamed_tuplet)
        if strokes := max(n.tremolo for n in self.event.notes):
            _add(_add(notations, "ornaments"), "tremolo", strokes, type="single")
        if any(n.accent for n in self.event.notes):
            _add(_add(notations, "articulations"), "accent", placement=self.side)

    def _write_graces(self, graced: list[Note]) -> None:
        """A flam is one slashed eighth, a drag two beamed sixteenths; a slur leads to the main note."""
        count = max((n.grace for n in graced), default=0)
        for place in range(count):
            sounding = [n for n in graced if n.grace >= count - place]
            for index, written in enumerate(sounding):
                note = _add(self.measure, "note")
                _add(note, "grace", **({"slash": "yes"} if count == 1 else {}))
                if index:
                    _add(note, "chord")
                self._write_place(note, written)
                _add(note, "instrument", id=_instrument_id(KIT[written.drum]))
                _add(note, "voice", self.voice + 1)
                _add(note, "type", "eighth" if count == 1 else "16th")
                _add(note, "stem", "up")
                _add(note, "notehead", KIT[written.drum].notehead)
                if count > 1 and not index:
                    state = "begin" if place == 0 else "end" if place == count - 1 else "continue"
                    for level in ("1", "2"):
                        _add(note, "beam", state, number=level)
                if not index and not place:
                    _add(_add(note, "notations"), "slur", type="start", number="1", placement="below")

    def _write_place(self, note: Element, written: Note) -> None:
        place = _add(note, "unpitched")
        _add(place, "display-step", KIT[written.drum].display_step)
        _add(place, "display-octave", KIT[written.drum].display_octave)

    def _write_head(self, note: Element, written: Note) -> None:
        _add(note, "notehead", KIT[written.drum].notehead, **({"parentheses": "yes"} if written.ghost else {}))

    def _write_value(self, note: Element) -> None:
        _add(note, "type", self.event.value)
        for _ in range(self.event.dots):
            _add(note, "dot")
        if self.event.tuplet:
            modification = _add(note, "time-modification")
            _add(modification, "actual-notes", self.event.tuplet.actual)
            _add(modification, "normal-notes", self.event.tuplet.normal)

    def _write_tuplet(self, notations: Element, *, beamed: bool) -> None:
        if self.event.tuplet_edge == "start":
            _add(notations, "tuplet", type="start", number="1", bracket="no" if beamed else "yes", placement=self.side)
        else:
            _add(notations, "tuplet", type="stop", number="1")
