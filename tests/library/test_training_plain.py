"""A plain folder of sounds and MIDI becomes a pack that can be trained on; what is wrong in it is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
from tiny_pack import make_pack

from drumscribe.errors import InputError
from drumscribe.features import SAMPLE_RATE
from drumscribe.training.drummer import LENGTH
from drumscribe.training.generator import Generator
from drumscribe.training.material import OUTPUTS, load_grooves, load_kits
from drumscribe.training.plain import import_folder
from drumscribe.types import Drum

CLASSES = ("kick", "snare", "hihat_closed", "hihat_open")
LEAD = 0.01  #: seconds of silence before each stroke


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for kit in ("blue", "red"):
        for name in CLASSES:
            for level in (0.2, 0.8):
                sound = level * rng.uniform(-1, 1, SAMPLE_RATE // 4) * np.exp(-np.arange(SAMPLE_RATE // 4) / 2000)
                path = tmp_path / "drums" / kit / name / f"{level}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, np.concatenate([np.zeros(int(LEAD * SAMPLE_RATE)), sound]), SAMPLE_RATE)
    (tmp_path / "midi").mkdir()
    for number in range(2):
        midi = pretty_midi.PrettyMIDI(initial_tempo=90)
        track = pretty_midi.Instrument(0, is_drum=True)
        track.notes = [pretty_midi.Note(100, (36, 38)[beat % 2], beat * 2 / 3, beat * 2 / 3 + 0.1) for beat in range(48)]
        midi.instruments.append(track)
        midi.write(str(tmp_path / "midi" / f"{number}.mid"))
    return tmp_path


def test_drums_and_midi_alone_make_a_pack(plain: Path) -> None:
    assert import_folder(plain, licence="CC0-1.0") == {"drums": 16, "midi": 2, "midi_songs": 0, "instruments": 0, "music": 0}
    training, judging = load_kits(plain), load_kits(plain, validation=True)
    assert (set(training.strokes), set(judging.strokes)) == ({"blue"}, {"red"})
    soft, loud = sorted(training.strokes["blue"]["snare"], key=lambda sample: sample.velocity)
    assert (soft.velocity, loud.velocity) == (0.5, 1.0)
    assert loud.onset == pytest.approx(LEAD * SAMPLE_RATE, abs=20)
    (groove,) = load_grooves(plain, "train")
    assert (round(groove.bpm), {name for _, name, _ in groove.notes}) == (90, {"kick", "snare"})
    import_folder(plain, licence="CC0-1.0")  # its own manifests may be written anew


def test_mixes_are_made_without_songs_notes_and_half_of_a_kit(plain: Path, tmp_path: Path) -> None:
    import_folder(plain, licence="CC0-1.0")
    generator = Generator(plain, tmp_path / "no songs")
    for seed in range(2):
        item = generator.item(seed)
        assert item.mix.shape == (LENGTH,)
        assert item.backing is None
        assert {OUTPUTS[e.output] for e in item.events} <= {Drum.KICK, Drum.SNARE, Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN}
        assert len(item.events) > 10


def test_one_clip_is_music_enough_for_a_band(plain: Path, tmp_path: Path) -> None:
    (plain / "music").mkdir()
    for number in range(2):
        soundfile.write(plain / "music" / f"{number}.wav", 0.1 * np.sin(np.arange(SAMPLE_RATE) / 30), SAMPLE_RATE)
    import_folder(plain, licence="CC0-1.0")
    generator = Generator(plain, tmp_path / "no songs")
    items = [generator.item(seed) for seed in range(3)]
    assert any(item.backing is not None for item in items)
    assert all(np.isfinite(item.mix).all() for item in items)


def test_what_is_wrong_is_named(plain: Path) -> None:
    def refuse(match: str) -> None:
        with pytest.raises(InputError, match=match):
            import_folder(plain, licence="CC0-1.0")
        assert not (plain / "drums" / "manifest.csv").exists()

    snare = plain / "drums" / "red" / "snare"
    (snare / "bad.wav").write_bytes(b"RIFF????")
    refuse("bad.wav cannot be read as sound")
    soundfile.write(snare / "bad.wav", np.zeros(1000), SAMPLE_RATE)
    refuse("bad.wav holds no stroke")
    (snare / "bad.wav").unlink()
    snare.rename(snare.with_name("snair"))
    refuse("'snair' is no class of drum sounds")
    (snare.with_name("snair")).rename(plain / "drums" / "stray")
    refuse("does not lie in drums/KIT/CLASS")
    (plain / "drums" / "stray").rename(plain / "elsewhere")
    refuse("for validation a kit with kick, snare")
    (plain / "elsewhere").rename(snare)
    (plain / "midi" / "0.mid").write_bytes(b"MThd")
    refuse(r"0.mid cannot be read as MIDI")
    (plain / "midi" / "0.mid").unlink()
    refuse("needs two performances")


def test_a_pack_with_manifests_of_its_own_is_left_alone(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    before = (pack / "drums" / "manifest.csv").read_bytes()
    with pytest.raises(InputError, match="was not written by import"):
        import_folder(pack, licence="CC0-1.0")
    assert (pack / "drums" / "manifest.csv").read_bytes() == before
