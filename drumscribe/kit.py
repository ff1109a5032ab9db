"""The drum kit on the page and in MIDI: one row per drum, read by the notation and by every writer.

Staff places follow the percussion layout of Norman Weinberg, which the Percussive Arts Society recommends: cymbals
on and above the top line with x heads, drums with round heads from high to low, the bass drum in the bottom space.
Places are named as on a treble staff. `Drum.OTHER` has no row: it never reaches a score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drumscribe.types import Drum

HANDS = 1  #: voice with stems up
FEET = 2  #: voice with stems down


@dataclass(frozen=True, slots=True)
class KitPiece:
    """How one drum is written, played back and named."""

    drum: Drum
    display_step: str  #: staff place, "A" to "G", as on a treble staff
    display_octave: int  #: octave of the staff place; the middle line is B4
    notehead: str  #: MusicXML notehead: "normal" or "x"
    voice: int  #: `HANDS` or `FEET`
    midi_note: int  #: General MIDI percussion key, 0-based as in a MIDI file (MusicXML's midi-unpitched is one more)
    name: str  #: for the drum key and the instrument list
    short_name: str  #: line label in a text tab
    open_circle: bool = False  #: a small circle above the head tells it from the same place without


_ROWS = (
    KitPiece(Drum.KICK, "F", 4, "normal", FEET, 36, "Bass drum", "BD"),
    KitPiece(Drum.SNARE, "C", 5, "normal", HANDS, 38, "Snare drum", "SD"),
    KitPiece(Drum.HIHAT_CLOSED, "G", 5, "x", HANDS, 42, "Hi-hat (closed)", "HH"),
    KitPiece(Drum.HIHAT_OPEN, "G", 5, "x", HANDS, 46, "Hi-hat (open)", "HH", open_circle=True),
    KitPiece(Drum.RIDE, "F", 5, "x", HANDS, 51, "Ride cymbal", "RD"),
    KitPiece(Drum.CRASH, "A", 5, "x", HANDS, 49, "Crash cymbal", "CC"),
    KitPiece(Drum.TOM_HIGH, "E", 5, "normal", HANDS, 48, "High tom", "T1"),
    KitPiece(Drum.TOM_MID, "D", 5, "normal", HANDS, 47, "Mid tom", "T2"),
    KitPiece(Drum.TOM_LOW, "A", 4, "normal", HANDS, 43, "Floor tom", "FT"),
    KitPiece(Drum.CROSS_STICK, "C", 5, "x", HANDS, 37, "Cross stick", "SD"),
)

#: Every drum that can be written, in the order of `Drum`.
KIT: Mapping[Drum, KitPiece] = MappingProxyType({piece.drum: piece for piece in _ROWS})
