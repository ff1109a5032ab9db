r"""Score → LilyPond source, in `\drummode`, straight from the score.

The drum table of the source is our kit, so the same places and heads appear as in MusicXML. Voices, beams, rests and
ornaments are written out; LilyPond is left to do what it does best, spacing. Marks, breaks and changes of metre stand in
the first voice: in a context of their own they would fall out of step with grace notes at the bar line.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import resources

from drumscribe.export.layout import (
    TAGLINE,
    bars_of,
    begins_section,
    drums_used,
    heading,
    line_starts,
    printable,
    rest_runs,
    staff_position,
)
from drumscribe.kit import KIT
from drumscribe.options import PdfOptions
from drumscribe.types import Bar, Drum, Event, Note, Score, TempoMark

#: LilyPond's name for each drum; what the name looks like is decided by our own table.
_NAMES = {
    Drum.KICK: ("bd", "bassdrum"),
    Drum.SNARE: ("sn", "snare"),
    Drum.HIHAT_CLOSED: ("hhc", "closedhihat"),
    Drum.HIHAT_OPEN: ("hho", "openhihat"),
    Drum.RIDE: ("cymr", "ridecymbal"),
    Drum.CRASH: ("cymc", "crashcymbal"),
    Drum.TOM_HIGH: ("tomh", "hightom"),
    Drum.TOM_MID: ("tommh", "himidtom"),
    Drum.TOM_LOW: ("tomfh", "highfloortom"),
    Drum.CROSS_STICK: ("ss", "sidestick"),
}

_VALUES = {"whole": "1", "half": "2", "quarter": "4", "eighth": "8", "16th": "16", "32nd": "32", "64th": "64"}
_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
_BEAT_UNITS = {Fraction(1): "4", Fraction(3, 2): "4.", Fraction(1, 2): "8"}

#: The swung pair as written and as played.
_SWING = {
    Fraction(1, 2): (r"{ 8[ 8] }", r"{ \tuplet 3/2 { 4 8 } }"),
    Fraction(1, 4): (r"{ 16[ 16] }", r"{ \tuplet 3/2 { 8 16 } }"),
}


def write_lilypond(score: Score, options: PdfOptions | None = None) -> bytes:
    """The score as LilyPond source, UTF-8, for LilyPond 2.24 or later.

    Parameters
    ----------
    score : Score
        May be empty: one silent bar is written.
    options : PdfOptions
        `paper` and `bars_per_line` are read.
    """
    options = options or PdfOptions()
    titles = {"title": heading(score), "subtitle": printable(score.subtitle), "maker": TAGLINE}
    header = "".join(f"  {name} = {_string(text)}\n" for name, text in titles.items())
    places = "\n".join(f"  ({long} {head} {script} {position})" for long, head, script, position in _places())
    voices = _Writer(score, options.bars_per_line).voices()
    staff = "\n".join(f"    \\new DrumVoice \\drummode {{\n{voice}\n    }}" for voice in voices)
    style = resources.files("drumscribe.export").joinpath("style.ily").read_text("utf-8")
    parts = [
        f'\\version "2.24.0"\n#(set-default-paper-size "{options.paper}")\n',
        f"drumPlaces = #'(\n{places})\n",
        f"\\header {{\n{header}  tagline = ##f\n}}\n",
        style,
        _drum_key(score),
        f"\\score {{\n  \\new DrumStaff <<\n{staff}\n  >>\n  \\layout {{ }}\n}}\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _string(text: str) -> str:
    """A quoted LilyPond string: nothing in it can be read as a command."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _places() -> list[tuple[str, str, str, int]]:
    """Rows of LilyPond's drum table: name, head, script, staff position."""
    return [
        (
            _NAMES[piece.drum][1],
            "cross" if piece.notehead == "x" else "default",
            "open" if piece.open_circle else "#f",
            staff_position(piece),
        )
        for piece in KIT.values()
    ]


def _drum_key(score: Score) -> str:
    """A small staff with one head per drum and its name below: the legend at the top of page 1."""
    rows = [(_NAMES[piece.drum][0], piece.name) for piece in drums_used(score)]
    if not rows:
        return ""
    if any(note.ghost for bar in score.bars for note in bar.notes):
        rows.insert([name for name, _ in rows].index("sn") + 1, (r"<\ghost sn>", "Ghost note"))
    heads = " ".join(f"{head}4" for head, _ in rows)
    names = " ".join(rf"\keyName {' '.join(_string(word) for word in name.split(maxsplit=1))}" for _, name in rows)
    return f"\\drumKey \\drummode {{ {heads} }} \\lyricmode {{ {names} }}\n"


class _Writer:
    """Writes the voices, bar by bar."""

    def __init__(self, score: Score, bars_per_line: int) -> None:
        self.score = score
        self.bars = bars_of(score)
        self.breaks = line_starts(score, bars_per_line)
        self.runs = rest_runs(score)
        self.marks = {mark.bar: mark for mark in score.tempo_marks}
        self.doubles = self._double_similes()
        self.rests = {0: "", 1: ""}

    def voices(self) -> list[str]:
        """Source of the hands and, where there is a second voice, of the feet."""
        count = max(1, *(len(bar.voices) for bar in self.bars))
        return [self._voice(index) for index in range(count)]

    def _double_similes(self) -> frozenset[int]:
        """First bars of two-bar similes that fit on one line; the sign stands on the bar line between the two."""
        firsts: set[int] = set()
        for index, bar in enumerate(self.bars[:-1]):
            pair = bar.simile == 2 and self.bars[index + 1].simile == 2
            if pair and index - 1 not in firsts and index + 1 not in self.breaks:
                firsts.add(index)
        return frozenset(firsts)

    def _voice(self, voice: int) -> str:
        lines = ["      \\voiceTwo" if voice else "      \\voiceOne"]
        index = 0
        while index < len(self.bars):
            bar = self.bars[index]
            silent = self.runs.get(index, 1)
            pair = index in self.doubles
            before = [] if voice else self._marks(index)
            if silent > 1:
                music = f"R{_fraction(bar.quarters)}*{silent}" if voice == 0 else f"s{_fraction(bar.quarters)}*{silent}"
            elif pair:
                music = self._simile("doublePercent", bar.quarters * 2, bar.simile_count, voice)
            elif bar.simile == 1:
                music = self._simile("percent", bar.quarters, bar.simile_count, voice)
            else:
                music = self._bar(bar, voice)
            index += 2 if pair else silent
            lines.append(f"      {' '.join([*before, music, self._bar_line(index, voice)])} % {bar.number}")
        return "\n".join(lines)

    def _marks(self, index: int) -> list[str]:
        """What stands before the bar: break, metre, pick-up, rehearsal mark, tempo."""
        bar = self.bars[index]
        marks: list[str] = []
        if index:
            marks.append("\\break" if index in self.breaks else "\\noBreak")
        if index == 0 or self.bars[index - 1].time_signature != bar.time_signature:
            marks.append(f"\\numericTimeSignature \\time {bar.time_signature.numerator}/{bar.time_signature.denominator}")
        if bar.length is not None:
            marks.append(f"\\partial {_fraction(bar.length)}" if index == 0 else f"\\set Timing.measurePosition = {_behind(bar)}")
        if index == 0 and bar.number != 0:
            marks.append(f"\\set Score.currentBarNumber = #{bar.number}")
        if bar.section:
            marks.append(f"\\mark \\markup {_string(printable(bar.section))}")
        if index in self.marks:
            marks.append(self._tempo(self.marks[index], with_swing=index == 0))
        elif index == 0 and self.score.swing is not None:
            marks.append(rf"\tempo \markup \concat {{ {self._swing()} }}")
        return marks

    def _tempo(self, mark: TempoMark, *, with_swing: bool) -> str:
        note = rf"\fontsize #-2 \general-align #Y #DOWN \note {{ {_BEAT_UNITS[mark.unit]} }} #1"
        swing = rf" \hspace #2.5 {self._swing()}" if with_swing and self.score.swing is not None else ""
        return rf'\tempo \markup \concat {{ {note} " = {round(mark.bpm)}"{swing} }}'

    def _swing(self) -> str:
        assert self.score.swing is not None
        written, played = _SWING[self.score.swing]
        equation = rf'\fontsize #-3 \concat {{ "(" \rhythm {written} " = " \rhythm {played} ")" }}'
        return rf'\italic "Swing" \hspace #0.8 {equation}'

    def _bar_line(self, following: int, voice: int) -> str:
        if voice:
            return "|"
        if following >= len(self.bars):
            return '\\bar "|."'
        return '\\bar "||"' if begins_section(self.bars, following) else "|"

    @staticmethod
    def _simile(kind: str, quarters: Fraction, count: int, voice: int) -> str:
        # both voices would print the same sign in the same place: one is enough
        if voice:
            return f"s{_fraction(quarters)}"
        return f"\\{kind} #(ly:make-moment {quarters / 4}) #{max(count, 1)}"

    def _bar(self, bar: Bar, voice: int) -> str:
        silent = f"s{_fraction(bar.quarters)}"
        shown = [i for i, events in enumerate(bar.voices) if any(not e.hidden for e in events)]
        if not shown:
            return silent if voice else f"\\once \\override MultiMeasureRest.staff-position = #0 R{_fraction(bar.quarters)}"
        if voice not in shown:
            return silent
        centred = len(shown) == 1
        words: list[str] = []
        wanted = "\\restsCentred" if centred else "\\restsApart"
        if any(not e.notes and not e.hidden for e in bar.voices[voice]) and self.rests[voice] != wanted:
            words.append(wanted)
            self.rests[voice] = wanted
        for event in bar.voices[voice]:
            if event.tuplet and event.tuplet_edge == "start":
                words.append(f"\\tuplet {event.tuplet.actual}/{event.tuplet.normal} {{")
            words.append(_event(event, bar, centred=centred))
            if event.tuplet and event.tuplet_edge == "stop":
                words.append("}")
        return " ".join(words)


def _fraction(quarters: Fraction) -> str:
    """A length as a multiple of the whole note, for rests and skips that need no spelling: `1*3/4`."""
    return "1" if quarters == 4 else f"1*{quarters / 4}"


def _behind(bar: Bar) -> str:
    """Place in the bar at which a shortened bar begins, so that it ends where a full one would."""
    return f"#(ly:make-moment {(bar.time_signature.length - bar.quarters) / 4})"


def _event(event: Event, bar: Bar, *, centred: bool) -> str:
    value = _VALUES[event.value] + "." * event.dots
    if not event.notes:
        if event.hidden:
            return f"s{value}" if not event.whole_bar else f"s{_fraction(bar.quarters)}"
        if event.whole_bar:
            centre = "\\once \\override MultiMeasureRest.staff-position = #0 " if centred else ""
            return f"{centre}R{_fraction(bar.quarters)}"
        return f"r{value}"
    heads = [f"\\ghost {_NAMES[n.drum][0]}" if n.ghost else _NAMES[n.drum][0] for n in event.notes]
    body = f"<{' '.join(heads)}>{value}"
    if strokes := max(n.tremolo for n in event.notes):
        # LilyPond counts the flags of the note among the beams of the tremolo
        body += f":{2 ** (2 + strokes + _FLAGS.get(event.value, 0))}"
    if event.beams and event.beams[0] in ("begin", "end"):
        body += "[" if event.beams[0] == "begin" else "]"
    graces = _graces(event.notes)
    if graces:
        body += ")"
    if any(n.accent for n in event.notes):
        body += "->"
    return graces + body


def _graces(notes: tuple[Note, ...]) -> str:
    """A flam is one slashed eighth, a drag two beamed sixteenths; a slur leads to the main note."""
    count = max(n.grace for n in notes)
    if not count:
        return ""
    words: list[str] = []
    for place in range(count):
        heads = " ".join(_NAMES[n.drum][0] for n in notes if n.grace >= count - place)
        marks = ("(" if place == 0 else "") + (
            "[" if place == 0 and count > 1 else "]" if count > 1 and place == count - 1 else ""
        )
        words.append(f"<{heads}>{'8' if count == 1 else '16'}{marks}")
    command = r"\slashedGrace" if count == 1 else r"\grace"
    return f"{command} {{ {' '.join(words)} }} "
