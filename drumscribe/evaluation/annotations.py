"""Read annotations: hits, beats and written notes from the files in which the field keeps them.

Hits: `hits.json`; text of `<seconds> <label>` with the labels of MDB Drums, ENST-Drums, RBMA and MIREX numbers, General
MIDI keys, or our own names; the XML and Sonic Visualiser layers of IDMT-SMT-Drums; MIDI (General MIDI keys and those of
Roland kits, as in the Groove datasets).
Beats: `beats.json`; text of `<seconds> [<place in the bar>]`; MIDI. Written notes: MusicXML.

Mapping to our drums follows the usual reduction: brushes, rim shots, ghosts, drags and flams are snare; pedalled hats
are closed; china and splash are crash; the bell is ride. MIREX numbers name families, not drums: "toms" become
`tom_mid` and "cymbals" `crash`, which only the 3- and 5-class vocabularies can compare.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from drumscribe.errors import FileNotReadable, InputError
from drumscribe.export.tables import read_hits_json
from drumscribe.types import Drum, Hit

_K, _S, _X, _HC, _HO = Drum.KICK, Drum.SNARE, Drum.CROSS_STICK, Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN
_RD, _CR, _T1, _T2, _T3, _OT = Drum.RIDE, Drum.CRASH, Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW, Drum.OTHER


def _names(table: dict[Drum, str]) -> dict[str, Drum]:
    return {label: drum for drum, labels in table.items() for label in labels.split()}


def _numbered(*labels: str) -> str:
    """ENST counts the cymbals of its kits: rc2, cr5, spl2, …"""
    return " ".join(f"{label}{number}" for label in labels for number in range(1, 10))


#: Labels of text annotations, in lower case. MDB Drums (classes and subclasses), ENST-Drums, RBMA, and our names.
LABELS: dict[str, Drum] = _names(
    {
        _K: "kick kd bd bass_drum",
        _S: "snare sd sdb sdd sdf sdg sdns sd- sdrs rs sweep snare_drum",
        _X: "cross_stick sst cs sidestick side_stick",
        _HC: "hihat_closed chh phh hh hihat hi-hat",
        _HO: "hihat_open ohh",
        _RD: f"ride rdc rdb rc rd rb ride_bell {_numbered('rc')}",
        _CR: f"crash crc chc spc cr c ch spl cy china splash {_numbered('cr', 'c', 'ch', 'spl')}",
        _T1: "tom_high hit ht htr",
        _T2: "tom_mid mht mt mtr lmt lmtr tt tom toms",
        _T3: "tom_low hft lft lt ltr lftr",
        _OT: "other tmb cb cl clap cowbell tambourine shaker sticks ot",
    }
)

#: MIREX drum transcription: three numbers in the classic task, eight in the task of 2018.
MIREX_3 = (_K, _S, _HC)
MIREX_8 = (_K, _S, _T2, _HC, _CR, _RD, _OT, _OT)

_KEYS: dict[Drum, tuple[int, ...]] = {
    _K: (35, 36),
    _S: (38, 40),
    _X: (37,),
    _HC: (22, 42, 44),  # 22 and 26 are the edges of a Roland hat
    _HO: (26, 46),
    _RD: (51, 53, 59),
    _CR: (49, 52, 55, 57),
    _T1: (48, 50),
    _T2: (45, 47),
    _T3: (41, 43, 58),  # 58 is the rim of a Roland floor tom
}
#: General MIDI percussion keys and those of Roland kits; any other key is `Drum.OTHER`.
KEYS: dict[int, Drum] = {key: drum for drum, keys in _KEYS.items() for key in keys}


@dataclass(frozen=True, slots=True)
class HitList:
    """Annotated or transcribed hits."""

    hits: tuple[Hit, ...]  #: sorted by (time, drum)
    has_velocity: bool  #: False where the format tells none: then velocities mean nothing


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Annotated or transcribed beats."""

    times: NDArray[np.float64]  #: seconds, increasing
    numbers: NDArray[np.int64] | None  #: place in the bar from 1; None where the file tells none

    @property
    def downbeats(self) -> NDArray[np.float64] | None:
        """Times of the first beats; None without numbers."""
        return None if self.numbers is None else self.times[self.numbers == 1]


def read_hits(path: Path, *, numbers: Mapping[int, Drum] | None = None) -> HitList:
    """Read hits by the file's ending: `.json`, `.mid`, `.midi`, `.xml`, `.svl`, otherwise text.

    Parameters
    ----------
    path : Path
        The file.
    numbers : mapping of int to Drum, optional
        What numeric labels of a text mean; by default MIREX classes up to 7, and General MIDI keys above.

    Raises
    ------
    FileNotReadable
        If there is no such file.
    InputError
        If it cannot be understood; the sentence names the line.
    """
    data = _bytes(path)
    if path.suffix == ".json":
        hits = read_hits_json(data)
        return HitList(hits, has_velocity=all("velocity" in row for row in json.loads(data)))
    if path.suffix in (".mid", ".midi"):
        return HitList(_hits_of_midi(path), has_velocity=True)
    if path.suffix in (".xml", ".svl"):
        return HitList(_hits_of_idmt(data, path), has_velocity=False)
    return HitList(_hits_of_text(data.decode("utf-8-sig", "replace"), path, numbers), has_velocity=False)


def read_beats(path: Path) -> Beats:
    """Read beats by the file's ending: `.json`, `.mid`, `.midi`, otherwise text.

    Raises
    ------
    FileNotReadable
        If there is no such file.
    InputError
        If it cannot be understood.
    """
    data = _bytes(path)
    try:
        if path.suffix == ".json":
            rows: list[tuple[float, ...]] = [(float(b["time"]), int(b["number"])) for b in json.loads(data)["beats"]]
        elif path.suffix in (".mid", ".midi"):
            rows = list(_beats_of_midi(path))
        else:
            lines = [line.replace(",", " ").split() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
            rows = [tuple(float(field) for field in fields[:2]) for fields in lines]
        numbers = np.array([int(row[1]) for row in rows], np.int64) if all(len(row) > 1 for row in rows) else None
        return Beats(_increasing([row[0] for row in rows]), numbers)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} does not hold beats: {error}.", path=str(path)) from error


def _increasing(times: list[float]) -> NDArray[np.float64]:
    array = np.array(times, np.float64)
    if not np.all(np.isfinite(array)) or np.any(np.diff(array) <= 0):
        raise ValueError("times must be finite and increase")
    return array


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileNotReadable(f"{path} cannot be read.", path=str(path)) from error


def _hits_of_text(text: str, path: Path, numbers: Mapping[int, Drum] | None) -> tuple[Hit, ...]:
    rows: list[tuple[float, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.replace(",", " ").replace(";", " ").split()
        if not fields or fields[0].startswith("#"):
            continue
        try:
            time = float(fields[0])
            if not math.isfinite(time) or time < 0:
                raise ValueError
            rows.append((time, fields[1].lower()))
        except (ValueError, IndexError) as error:
            raise InputError(f"{path.name}, line {number}: expected <seconds> <label>.", path=str(path), line=number) from error
    labels = {label for _, label in rows}
    if labels and all(label.isdecimal() for label in labels):
        table = numbers or _numbers({int(label) for label in labels})
        drums = {label: table.get(int(label)) for label in labels}
    else:
        drums = {label: LABELS.get(label) for label in labels}
    return _named(rows, drums, path)


def _named(rows: list[tuple[float, str]], drums: Mapping[str, Drum | None], path: Path) -> tuple[Hit, ...]:
    """Hits from times and labels, once it is known what the labels mean."""
    unknown = sorted(label for label, drum in drums.items() if drum is None)
    if unknown:
        raise InputError(f"{path.name} has labels nobody here knows: {', '.join(unknown)}.", path=str(path))
    hits = [Hit(time, drum, 100) for time, label in rows if (drum := drums[label]) is not None]
    return tuple(sorted(hits, key=lambda h: (h.time, h.drum)))


def _hits_of_idmt(data: bytes, path: Path) -> tuple[Hit, ...]:
    """The two forms of IDMT-SMT-Drums.

    XML has `<event>`s with `onsetSec` and `instrument`; a layer of Sonic Visualiser has `<point>`s in samples, and the
    instrument stands in the file's name (`…#HH.svl`). Strokes at the very start may carry a time just below zero.
    """
    try:
        root = ET.fromstring(data)
        if path.suffix == ".svl":
            rate = float(root.find("./data/model").attrib["sampleRate"])  # pyright: ignore[reportOptionalMemberAccess]
            label = path.stem.rpartition("#")[2].lower()
            rows = [(float(point.attrib["frame"]) / rate, label) for point in root.iterfind("./data/dataset/point")]
        else:
            rows = [(float(e.findtext("onsetSec", "")), e.findtext("instrument", "").strip().lower()) for e in root.iter("event")]
        rows = [(max(0.0, time), label) for time, label in rows]
        if not all(math.isfinite(time) for time, _ in rows):
            raise ValueError("a time is not finite")
    except (ET.ParseError, AttributeError, KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path.name} does not hold strokes as IDMT-SMT-Drums writes them: {error}.", path=str(path)) from error
    return _named(rows, {label: LABELS.get(label) for _, label in rows}, path)


def _numbers(found: set[int]) -> dict[int, Drum]:
    """What numeric labels mean: three MIREX classes, eight, or General MIDI keys."""
    if max(found) <= 2:
        return dict(enumerate(MIREX_3))
    if max(found) <= 7:
        return dict(enumerate(MIREX_8))
    return {key: KEYS.get(key, Drum.OTHER) for key in found}


# ------------------------------------------------------------------------------------------------ MIDI


def _open_midi(path: Path) -> mido.MidiFile:
    try:
        return mido.MidiFile(path, clip=True)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path.name} is not a MIDI file that can be read.", path=str(path)) from error


def _hits_of_midi(path: Path) -> tuple[Hit, ...]:
    """Strokes of channel 10, or of all channels where that one is silent."""
    strokes: list[tuple[float, int, int, int]] = []
    second = 0.0
    for message in _open_midi(path):
        second += message.time
        if message.type == "note_on" and message.velocity:
            strokes.append((second, message.channel, message.note, message.velocity))
    drums_only = any(channel == 9 for _, channel, _, _ in strokes)
    hits = [
        Hit(s, KEYS.get(key, Drum.OTHER), velocity) for s, channel, key, velocity in strokes if channel == 9 or not drums_only
    ]
    return tuple(sorted(hits, key=lambda h: (h.time, h.drum)))


def _beats_of_midi(path: Path) -> list[tuple[float, int]]:
    """Beats up to the last event: quarters in n/4, dotted quarters in 6/8, 9/8 and 12/8, else the signature's unit."""
    file = _open_midi(path)
    resolution = file.ticks_per_beat
    tempi, signatures, end, tick = [(0, 500_000)], [(0, 4, 4)], 0, 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        if message.type == "set_tempo":
            tempi.append((tick, message.tempo))
        elif message.type == "time_signature":
            signatures.append((tick, message.numerator, message.denominator))
        elif message.type == "note_on":
            end = tick
    ticks = np.array([t for t, _ in tempi], float)
    seconds_per_tick = np.array([tempo * 1e-6 / resolution for _, tempo in tempi])
    starts = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * seconds_per_tick[:-1])])
    rows: list[tuple[float, int]] = []
    for i, (start, numerator, denominator) in enumerate(signatures):
        stop = signatures[i + 1][0] if i + 1 < len(signatures) else end + 1
        compound = denominator == 8 and numerator % 3 == 0 and numerator > 3
        beat = resolution * 4 / denominator * (3 if compound else 1)
        per_bar = numerator // 3 if compound else numerator
        for k in range(math.ceil((stop - start) / beat - 1e-9)):
            at = start + k * beat
            which = int(np.searchsorted(ticks, at, side="right")) - 1
            rows.append((float(starts[which] + (at - ticks[which]) * seconds_per_tick[which]), k % per_bar + 1))
    return rows
