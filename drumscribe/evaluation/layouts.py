"""The public sets of annotated drums as they lie on disk: give the folder of one, get its pieces with their truth.

    mdb        MDB Drums         audio/{full_mix,drum_only}, annotations/{subclass,class,beats}
    enst       ENST-Drums        drummer_N/audio/{wet_mix,dry_mix,accompaniment}, drummer_N/annotation
    rbma13     RBMA13            audio, annotations/{drums_l,drums_full,drums_f,drums_m,drums}, annotations/beats
    idmt       IDMT-SMT-Drums    audio/…#MIX.wav, annotation_xml, annotation_svl
    egmd       E-GMD, Groove     e-gmd-v1.0.0.csv or info.csv, which names sound and MIDI
    mirex      MIREX             sound and text of the same name, side by side or in two folders
    generated  our own           audio, hits, others, beats, conditions.json (`drumscribe train testset`)

What cannot be paired is listed with the reason, never dropped in silence. No audio is read here.

Layouts and labels: C. Southall et al., MDB Drums (ISMIR 2017, github.com/CarlSouthall/MDBDrums); O. Gillet, G. Richard,
ENST-Drums (ISMIR 2006); R. Vogl et al., RBMA13 (ISMIR 2017, ifs.tuwien.ac.at/~vogl/datasets) with the label tables of
Vogl's mappings.py as github.com/MZehren/ADTOF keeps them (`adtof/ressources/instrumentsMapping.py`); C. Dittmar,
D. Gärtner, IDMT-SMT-Drums V2 (DAFx 2014, zenodo.org/records/7544164); L. Callender et al., E-GMD, and J. Gillick et al.,
Groove (magenta.tensorflow.org/datasets); MIREX, music-ir.org/mirex/wiki/2018:Drum_Transcription. The drums of ENST are
heard with 2/3 of the weight and the accompaniment with 1/3, as has been usual since C.-W. Wu et al. (TASLP 2018).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from drumscribe.errors import InputError
from drumscribe.evaluation.annotations import KEYS, MIREX_3, MIREX_8, read_hits
from drumscribe.types import Drum

Facts = Mapping[str, str | float | tuple[str, ...]]

AUDIO_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aif", ".aiff")
TEXT_ENDINGS = (".txt", ".drums", ".csv", ".lab")
DRUM_SHARE = 2 / 3  #: weight of the drums where a mix is made of drums and accompaniment


@dataclass(frozen=True, slots=True)
class Piece:
    """One recording with its truth."""

    name: str  #: unique in its set
    sound: tuple[tuple[Path, float], ...]  #: files to be added up, each with its weight
    hits: tuple[Path, ...]  #: annotations to be put together
    beats: Path | None = None
    numbers: Mapping[int, Drum] | None = None  #: what numeric labels mean
    #: What is known of it: kind, condition, bpm, metre, genre, density, ratio_db, kit_kinds.
    facts: Facts = field(default_factory=dict[str, str | float | tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was found of a set."""

    kind: str  #: a key of `KINDS`
    sound: str  #: "mix", "drums", or "both"
    part: str
    pieces: tuple[Piece, ...]
    unpaired: tuple[str, ...]  #: "name: reason"
    vocabularies: tuple[int, ...] = (3, 5, 9)  #: those that its labels can tell apart

    def limited(self, count: int | None) -> Dataset:
        """At most `count` pieces, taken evenly from the whole."""
        if count is None or count >= len(self.pieces):
            return self
        return replace(self, pieces=tuple(self.pieces[i * len(self.pieces) // count] for i in range(count)))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked of a set."""

    sound: str
    part: str
    share: float


@dataclass(frozen=True, slots=True)
class Kind:
    """How a set is recognised and read."""

    is_here: Callable[[Path], bool]
    read: Callable[[Path, Choice], Dataset]
    sounds: tuple[str, ...]  #: the first is the default
    parts: tuple[str, ...] = ("all",)  #: the first is the default; empty: any


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, without hidden ones."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _files(folder: Path, endings: tuple[str, ...], tail: str = "") -> dict[str, Path]:
    """Files of a folder by name without ending and without `tail` (a regular expression)."""
    if not folder.is_dir():
        return {}
    own = sorted(p for p in folder.iterdir() if p.suffix.lower() in endings and not p.name.startswith(".") and p.is_file())
    return {re.sub(rf"(?:{tail})$", "", path.stem, flags=re.IGNORECASE): path for path in own}


def _pair(sounds: Mapping[str, Path], truths: Mapping[str, Path], where: str) -> tuple[list[str], list[str]]:
    """Names with both, and sentences about those with one."""
    lone = [f"{name}: no sound in {where}" for name in sorted(truths.keys() - sounds.keys())]
    return sorted(truths.keys() & sounds.keys()), lone + [f"{n}: no annotation" for n in sorted(sounds.keys() - truths.keys())]


# ------------------------------------------------------------------------------------------------ MDB Drums

_GENRES = {
    "rock": "80sRock Beatles Grunge Hendrix Punk Rock Rockabilly Shadows Zeppelin",
    "pop": "Britpop",
    "metal": "SpeedMetal",
    "country": "Country1",
}
_GENRE_OF = {name: genre for genre, names in _GENRES.items() for name in names.split()}


def _mdb(root: Path, choice: Choice) -> Dataset:
    folder = "full_mix" if choice.sound == "mix" else "drum_only"
    sounds = _files(root / "audio" / folder, AUDIO_ENDINGS, "_mix|_drum")
    fine = root / "annotations" / "subclass"
    truths = _files(fine if fine.is_dir() else root / "annotations" / "class", (".txt",), "_subclass|_class")
    beats = _files(root / "annotations" / "beats", (".beats", ".txt"), "_mix")
    names, unpaired = _pair(sounds, truths, f"audio/{folder}")
    pieces = [
        Piece(n, ((sounds[n], 1.0),), (truths[n],), beats.get(n), facts={"genre": _mdb_genre(n), "kind": choice.sound})
        for n in names
    ]
    return Dataset("mdb", choice.sound, choice.part, tuple(pieces), tuple(unpaired), (3, 5, 9) if fine.is_dir() else (3, 5))


def _mdb_genre(name: str) -> str:
    style = name.partition("_")[2] or name
    return "jazz" if style.endswith("Jazz") else _GENRE_OF.get(style, style.lower())


# ------------------------------------------------------------------------------------------------ ENST-Drums


def _enst(root: Path, choice: Choice) -> Dataset:
    pieces: list[Piece] = []
    unpaired: list[str] = []
    for drummer in (d for d in folders(root) if (d / "annotation").is_dir()):
        sounds = _files(drummer / "audio" / "wet_mix", AUDIO_ENDINGS) or _files(drummer / "audio" / "dry_mix", AUDIO_ENDINGS)
        bands = _files(drummer / "audio" / "accompaniment", AUDIO_ENDINGS)
        truths = _files(drummer / "annotation", (".txt",))
        wanted = {n: p for n, p in truths.items() if choice.part == "all" or f"_{choice.part}_" in f"_{n.replace('MIDI-', '')}_"}
        names, lone = _pair({n: p for n, p in sounds.items() if n in wanted or n not in truths}, wanted, "audio/wet_mix")
        unpaired += [f"{drummer.name}/{line}" for line in lone]
        for name in names:
            sound: tuple[tuple[Path, float], ...] = ((sounds[name], 1.0),)
            if choice.sound == "mix":
                if name not in bands:
                    unpaired.append(f"{drummer.name}/{name}: no accompaniment")
                    continue
                sound = ((sounds[name], choice.share), (bands[name], 1 - choice.share))
            facts = _enst_facts(name) | {"kind": choice.sound}
            pieces.append(Piece(f"{drummer.name}_{name}", sound, (truths[name],), facts=facts))
    return Dataset("enst", choice.sound, choice.part, tuple(pieces), tuple(unpaired))


def _enst_facts(name: str) -> dict[str, str | float | tuple[str, ...]]:
    """`107_minus-one_salsa_sticks`, `123_MIDI-minus-one_blues-102_sticks`, `036_phrase_disco_simple_slow_sticks`."""
    fields = name.split("_")
    facts: dict[str, str | float | tuple[str, ...]] = {}
    if len(fields) > 3 and fields[1] != "hits":
        style = re.fullmatch(r"(.+?)-(\d{2,3})", fields[2])
        facts["genre"] = style[1] if style and "MIDI" in fields[1] else fields[2]
        if style and "MIDI" in fields[1]:
            facts["bpm"] = float(style[2])
    if fields[-1] in ("sticks", "brushes", "rods", "mallets", "hands"):
        facts["kit_kinds"] = (fields[-1],)
    return facts


# ------------------------------------------------------------------------------------------------ RBMA13


def _table(labels: str) -> dict[int, Drum]:
    """Drums of the numbers from 0 on; `-` leaves one out, other words than drums are other percussion."""
    known = {str(drum): drum for drum in Drum}
    return {n: known.get(label, Drum.OTHER) for n, label in enumerate(labels.split()) if label != "-"}


#: Folders of labels, the finest first: what their numbers mean, and which vocabularies they can tell apart.
_RBMA_LABELS: dict[str, tuple[dict[int, Drum], tuple[int, ...]]] = {
    "drums_l": (
        _table(
            "kick snare cross_stick clap tom_low tom_mid tom_high hihat_closed hihat_closed hihat_open tambourine ride ride crash"
            " crash crash cowbell sticks"
        ),
        (3, 5, 9),
    ),
    "drums_full": (
        _table(
            "kick snare hihat_closed hihat_open hihat_closed cowbell ride tom_low - tom_low tom_mid tom_mid tom_high tom_high"
            " cross_stick clap ride crash crash crash shaker tambourine claves bells"
        ),
        (3, 5, 9),
    ),
    "drums_f": ({key - 35: KEYS.get(key, Drum.OTHER) for key in range(35, 82)}, (3, 5, 9)),
    "drums_m": (dict(enumerate(MIREX_8)), (3, 5)),
    "drums": (dict(enumerate(MIREX_3)), (3,)),
}


def _rbma(root: Path, choice: Choice) -> Dataset:
    folder = next(name for name in _RBMA_LABELS if _files(root / "annotations" / name, TEXT_ENDINGS))
    numbers, vocabularies = _RBMA_LABELS[folder]
    truths = _files(root / "annotations" / folder, TEXT_ENDINGS)
    beats = _files(root / "annotations" / "beats", (".txt", ".beats"))
    sounds: dict[str, Path] = {}
    files = _files(root / "audio", AUDIO_ENDINGS) or _files(root, AUDIO_ENDINGS)
    by_number: dict[int, list[Path]] = {}
    for stem, path in files.items():
        if (number := _track(stem)) is not None:
            by_number.setdefault(number, []).append(path)
    for name in truths:
        own = [files[name]] if name in files else by_number.get(_track(name) or 0, [])
        if len(own) == 1:
            sounds[name] = own[0]
    used = set(sounds.values())
    names, unpaired = _pair(sounds | {s: p for s, p in files.items() if p not in used}, truths, "audio")
    pieces = [Piece(n, ((sounds[n], 1.0),), (truths[n],), beats.get(n), numbers, {"kind": "mix"}) for n in names]
    return Dataset("rbma13", choice.sound, choice.part, tuple(pieces), tuple(unpaired), vocabularies)


def _track(stem: str) -> int | None:
    """Number of a track of the album, as in `RBMA-13-Track-01` or `Various Assets - … - 01 Title`."""
    found = re.search(r"(?<!\d)(\d{1,2})(?!\d)", re.sub(r"(?i)rbma[-_ ]?13", "", stem))
    return int(found[1]) if found else None


# ------------------------------------------------------------------------------------------------ IDMT-SMT-Drums


def _idmt(root: Path, choice: Choice) -> Dataset:
    sounds = {n.removesuffix("#MIX"): p for n, p in _files(root / "audio", AUDIO_ENDINGS).items() if n.endswith("#MIX")}
    truths: dict[str, tuple[Path, ...]] = {
        n.removesuffix("#MIX"): (p,) for n, p in _files(root / "annotation_xml", (".xml",)).items() if n.endswith("#MIX")
    }
    for stem, path in _files(root / "annotation_svl", (".svl",)).items():
        name, _, instrument = stem.partition("#")
        if instrument in ("KD", "SD", "HH") and all(p.suffix == ".svl" for p in truths.get(name, ())):
            truths[name] = (*truths.get(name, ()), path)
    inside = {n: t for n, t in truths.items() if choice.part in ("all", n[: len(choice.part)].lower())}
    sounds = {n: p for n, p in sounds.items() if n in inside or n not in truths}
    names, unpaired = _pair(sounds, {n: t[0] for n, t in inside.items()}, "audio")
    pieces = [
        Piece(n, ((sounds[n], 1.0),), truths[n], facts={"kind": "drums", "kit_kinds": (re.split(r"\d", n)[0].lower(),)})
        for n in names
    ]
    return Dataset("idmt", choice.sound, choice.part, tuple(pieces), tuple(unpaired), (3,))


# ------------------------------------------------------------------------------------------------ E-GMD, Groove


def _egmd_list(root: Path) -> Path | None:
    return next((p for p in (*sorted(root.glob("e-gmd-*.csv")), root / "info.csv") if p.is_file()), None)


def _egmd(root: Path, choice: Choice) -> Dataset:
    listing = _egmd_list(root)
    assert listing is not None
    pieces: list[Piece] = []
    unpaired: list[str] = []
    try:
        with listing.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if choice.part not in ("all", row["split"]):
                continue
            name = str(PurePosixPath(row["audio_filename"] or row["midi_filename"]).with_suffix(""))
            reason = next((r for c in ("audio_filename", "midi_filename") if (r := _missing(root, row[c], c))), None)
            if reason:
                unpaired.append(f"{name}: {reason}")
                continue
            truth = root / row["midi_filename"]
            facts: dict[str, str | float | tuple[str, ...]] = {
                "kind": "drums",
                "genre": row["style"].partition("/")[0],
                "bpm": float(row["bpm"]),
                "metre": row["time_signature"].replace("-", "/"),
            }
            if row.get("kit_name"):
                facts["kit_kinds"] = (row["kit_name"],)
            # played to a click, so that the beats of the file are those of the drummer; a fill begins anywhere
            beats = truth if row.get("beat_type") == "beat" else None
            pieces.append(Piece(name.replace("/", "_"), ((root / row["audio_filename"], 1.0),), (truth,), beats, facts=facts))
    except (KeyError, ValueError, AttributeError, csv.Error) as error:
        raise InputError(f"{listing.name} is not the list of E-GMD or Groove: {error}.", path=str(listing)) from error
    return Dataset("egmd", choice.sound, choice.part, tuple(pieces), tuple(unpaired))


def _missing(root: Path, name: str, column: str) -> str | None:
    """Why a file of the list cannot be used; None if it can."""
    if not name:
        return f"no {column} in the list"
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return f"{column} leads out of the folder"
    return None if (root / name).is_file() else f"{name} is not there"


# ------------------------------------------------------------------------------------------------ MIREX


def _mirex_files(root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Sound and annotations: of the folder itself, or of two folders below it, the second named for what it holds."""
    sounds = next((found for f in (root, *folders(root)) if (found := _files(f, AUDIO_ENDINGS))), {})
    places = [root, *(f for f in folders(root) if re.search("annotation|truth|label|transcription", f.name.lower()))]
    truths = next((found for f in places if (found := _files(f, TEXT_ENDINGS)) and found.keys() & sounds.keys()), {})
    return sounds, truths


def _mirex(root: Path, choice: Choice) -> Dataset:
    sounds, truths = _mirex_files(root)
    names, unpaired = _pair(sounds, truths, "the folder of sounds")
    drums = {hit.drum for name in names for hit in read_hits(truths[name]).hits}
    vocabularies = (3,) if drums <= set(MIREX_3) else (3, 5) if drums <= set(MIREX_8) else (3, 5, 9)
    pieces = [Piece(n, ((sounds[n], 1.0),), (truths[n],), facts={"kind": "mix"}) for n in names]
    return Dataset("mirex", choice.sound, choice.part, tuple(pieces), tuple(unpaired), vocabularies)


# ------------------------------------------------------------------------------------------------ our own


def _generated(root: Path, choice: Choice) -> Dataset:
    path = root / "conditions.json"
    try:
        about = json.loads(path.read_text("utf-8"))
        rows = {str(name): {str(k): _fact(v) for k, v in row.items() if v is not None} for name, row in about.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} does not say what the pieces of a test set are: {error}.", path=str(path)) from error
    if choice.part != "all":
        rows = {name: row for name, row in rows.items() if row.get("condition") == choice.part}
    if choice.sound != "both":
        rows = {name: row for name, row in rows.items() if row.get("kind") == choice.sound}
    sounds, truths = _files(root / "audio", AUDIO_ENDINGS), _files(root / "hits", (".json",))
    beats, others = _files(root / "beats", (".beats",)), _files(root / "others", (".txt",))
    names, unpaired = _pair({n: p for n, p in sounds.items() if n in rows}, {n: truths[n] for n in rows if n in truths}, "audio")
    unpaired += [f"{n}: neither sound nor annotation" for n in sorted(rows) if n not in sounds and n not in truths]
    for row in rows.values():  # performances of Groove MIDI are grouped by their style
        if str(row.get("condition", "")).startswith("groove "):
            row["genre"] = str(row["condition"]).removeprefix("groove ")
    pieces = [
        Piece(n, ((sounds[n], 1.0),), (truths[n], others[n]) if n in others else (truths[n],), beats.get(n), facts=rows[n])
        for n in names
    ]
    return Dataset("generated", choice.sound, choice.part, tuple(pieces), tuple(unpaired))


def _fact(value: object) -> str | float | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(v) for v in value)  # pyright: ignore[reportUnknownArgumentType]
    return float(value) if isinstance(value, int | float) else str(value)


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda root: all((root / name).exists() for name in names)


def _is_enst(root: Path) -> bool:
    return any(d.name.startswith("drummer_") and (d / "annotation").is_dir() for d in folders(root))


def _is_rbma(root: Path) -> bool:
    return any(re.match("(?i)rbma", n) for name in _RBMA_LABELS for n in _files(root / "annotations" / name, TEXT_ENDINGS))


def _is_idmt(root: Path) -> bool:
    return (root / "audio").is_dir() and ((root / "annotation_xml").is_dir() or (root / "annotation_svl").is_dir())


def _is_mdb(root: Path) -> bool:
    return (root / "audio").is_dir() and any((root / "annotations" / name).is_dir() for name in ("subclass", "class"))


#: Every set, in the order in which "auto" tries them.
KINDS: dict[str, Kind] = {
    "generated": Kind(_has("audio", "hits", "beats"), _generated, ("both", "mix", "drums"), ()),
    "egmd": Kind(lambda root: _egmd_list(root) is not None, _egmd, ("drums",), ("test", "validation", "train", "all")),
    "enst": Kind(_is_enst, _enst, ("mix", "drums"), ("minus-one", "phrase", "solo", "hits", "all")),
    "idmt": Kind(_is_idmt, _idmt, ("drums",), ("all", "realdrum", "wavedrum", "technodrum")),
    "rbma13": Kind(_is_rbma, _rbma, ("mix",)),
    "mdb": Kind(_is_mdb, _mdb, ("mix", "drums")),
    "mirex": Kind(lambda root: all(_mirex_files(root)), _mirex, ("mix",)),
}
