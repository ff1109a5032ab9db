"""Decoding: every common format, once, at one rate, in its place in time."""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from media import RATE, encode, float_wav, pcm16, tone

from drumscribe.audio import (
    SAMPLE_RATE,
    compute_rms,
    get_audio_metadata,
    load_audio,
    probe,
    resample,
    resample_clip_to_target,
    save_wav,
    to_mono,
    validate_audio_signal,
)
from drumscribe.errors import AudioTooShort, SilentAudio, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.types import Audio

#: container, codec, rate, encoder delay that the format does not undo (bare AAC has no place to write it)
FORMATS = {
    "wav16": ("wav", "pcm_s16le", 44_100),
    "wav24": ("wav", "pcm_s24le", 44_100),
    "wav32": ("wav", "pcm_s32le", 44_100),
    "wav8": ("wav", "pcm_u8", 44_100),
    "wav-float": ("wav", "pcm_f32le", 44_100),
    "wav-double": ("wav", "pcm_f64le", 44_100),
    "wav-48k": ("wav", "pcm_s16le", 48_000),
    "aiff": ("aiff", "pcm_s16be", 44_100),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "mp3-48k": ("mp3", "libmp3lame", 48_000),
    "flac": ("flac", "flac", 44_100),
    "flac-96k": ("flac", "flac", 96_000),
    "opus": ("ogg", "libopus", 48_000),
    "ogg-flac": ("ogg", "flac", 44_100),
    "m4a": ("ipod", "aac", 44_100),
    "alac": ("ipod", "alac", 44_100),
    "aac": ("adts", "aac", 44_100),
    "webm": ("webm", "libopus", 48_000),
    "mka": ("matroska", "flac", 44_100),
}


def _peak_frequency(channel: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(channel[SAMPLE_RATE : 3 * SAMPLE_RATE]))
    return float(spectrum.argmax()) / 2


@pytest.mark.parametrize("kind", FORMATS)
def test_every_common_format_is_decoded_by_its_content_whatever_its_name(kind: str, tmp_path: Path) -> None:
    container, codec, rate = FORMATS[kind]
    path = encode(tmp_path / "song.txt", tone(6.0, rate), rate=rate, container=container, codec=codec)
    audio = load_audio(path)
    assert audio.sample_rate == SAMPLE_RATE
    assert audio.samples.shape[0] == 2
    assert audio.samples.dtype == np.float32
    assert not audio.samples.flags.writeable
    assert audio.duration == pytest.approx(6.0, abs=0.05)
    assert _peak_frequency(audio.samples[0]) == pytest.approx(440.0, abs=1.0)
    expected = compute_rms(Audio(tone(6.0), RATE))
    assert compute_rms(audio) == pytest.approx(expected, rel=0.06 if codec != "libmp3lame" else 0.1)


@pytest.mark.parametrize("kind", ["wav-48k", "flac-96k", "opus", "mp3", "mp3-48k", "m4a", "webm"])
def test_a_click_stays_where_it_was(kind: str, tmp_path: Path) -> None:
    container, codec, rate = FORMATS[kind]
    samples = tone(6.0, rate) * 0.02
    samples[:, 3 * rate : 3 * rate + 24] += 0.8
    path = encode(tmp_path / "song", samples, rate=rate, container=container, codec=codec)
    audio = load_audio(path)
    found = np.abs(audio.samples[0]).argmax() / SAMPLE_RATE
    assert found == pytest.approx(3.0 + 12 / rate, abs=0.002)


@pytest.mark.parametrize("rate", [22_050, 32_000, 48_000, 88_200, 192_000])
def test_streamed_resampling_equals_resampling_the_whole(rate: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 6 * rate)).astype(np.float32)
    (tmp_path / "noise.wav").write_bytes(float_wav(noise, rate))
    audio = load_audio(tmp_path / "noise.wav")
    whole = soxr.resample(noise.T, rate, SAMPLE_RATE, quality="HQ").T
    assert audio.samples.shape == whole.shape
    np.testing.assert_allclose(audio.samples, whole, atol=1e-5)


def test_a_file_at_the_library_rate_is_bit_exact(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 6 * RATE)).astype(np.float32)
    (tmp_path / "noise.wav").write_bytes(float_wav(noise))
    np.testing.assert_array_equal(load_audio(tmp_path / "noise.wav").samples, noise)


def test_the_sound_of_a_video_is_used(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", tone(6.0), container="mp4", codec="aac", picture=True)
    assert load_audio(path).duration == pytest.approx(6.0, abs=0.05)


def test_surround_is_mixed_down_by_the_place_of_each_channel(tmp_path: Path) -> None:
    time = np.arange(6 * 48_000) / 48_000
    frequencies = {"FL": 300, "FR": 400, "FC": 500, "LFE": 60, "BL": 700, "BR": 800}
    samples = np.stack([0.9 * np.sin(2 * np.pi * f * time) for f in frequencies.values()]).astype(np.float32)
    path = encode(tmp_path / "s.flac", samples, rate=48_000, container="flac", codec="flac", layout="5.1")
    audio = load_audio(path)
    assert np.abs(audio.samples).max() <= 1.0
    spectra = np.abs(np.fft.rfft(audio.samples[:, SAMPLE_RATE : 2 * SAMPLE_RATE], axis=1)) / SAMPLE_RATE * 2
    left = {name: spectra[0, f] for name, f in frequencies.items()}
    right = {name: spectra[1, f] for name, f in frequencies.items()}
    assert left["FL"] > 0.3
    assert right["FR"] > 0.3
    assert left["FC"] == pytest.approx(right["FC"], rel=0.01)
    assert left["FC"] == pytest.approx(left["FL"] / np.sqrt(2), rel=0.02)
    assert left["BL"] > 0.2
    assert max(left["FR"], left["BR"], left["LFE"], right["FL"], right["BL"], right["LFE"]) < 0.001


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("ogg", "libopus"), ("flac", "flac")])
def test_eight_channels_are_read_however_the_decoder_lays_them_out(container: str, codec: str, tmp_path: Path) -> None:
    time = np.arange(6 * 48_000) / 48_000
    samples = np.stack([0.3 * np.sin(2 * np.pi * (300 + 100 * i) * time) for i in range(8)]).astype(np.float32)
    with av.open(str(tmp_path / "song"), "w", format=container) as out:
        sound = out.add_stream(codec, rate=48_000, layout="7.1")
        for start in range(0, samples.shape[1], 4096):
            interleaved = np.ascontiguousarray(samples[:, start : start + 4096].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="7.1")
            frame.sample_rate, frame.pts = 48_000, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    audio = load_audio(tmp_path / "song")
    spectra = np.abs(np.fft.rfft(audio.samples[:, SAMPLE_RATE : 2 * SAMPLE_RATE], axis=1))[:, 300:1100:100]
    assert audio.duration == pytest.approx(6.0, abs=0.05)
    strong = spectra > spectra.max() / 2
    assert strong.tolist() == [
        [True, False, True, False, True, False, True, False],  # FL FC BL SL
        [False, True, True, False, False, True, False, True],  # FR FC BR SR
    ]


def test_chained_streams_of_one_file_are_read_to_the_end(tmp_path: Path) -> None:
    parts = [
        encode(
            tmp_path / f"{layout}.ogg", tone(4.0, 48_000, channels), rate=48_000, container="ogg", codec="libopus", layout=layout
        )
        for layout, channels in (("stereo", 2), ("stereo", 2))
    ]
    (tmp_path / "chain.ogg").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert load_audio(tmp_path / "chain.ogg").duration == pytest.approx(8.0, abs=0.1)


def test_what_follows_lost_packets_keeps_its_time(tmp_path: Path) -> None:
    samples = tone(8.0, 48_000)
    samples[:, : 6 * 48_000] *= 0.05
    with av.open(str(tmp_path / "gap.webm"), "w", format="webm") as out:
        sound = out.add_stream("libopus", rate=48_000, layout="stereo")
        for start in range(0, samples.shape[1], 4800):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, start : start + 4800]), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = 48_000, start
            for packet in sound.encode(frame):
                if not 2.0 < packet.pts * packet.time_base < 2.5:
                    out.mux(packet)
        out.mux(sound.encode(None))
    audio = load_audio(tmp_path / "gap.webm")
    loud = np.flatnonzero(np.abs(audio.samples[0]) > 0.2)[0] / SAMPLE_RATE
    assert loud == pytest.approx(6.0, abs=0.03)


def test_floats_in_units_of_16_bit_integers_are_brought_to_full_scale(tmp_path: Path) -> None:
    (tmp_path / "s.wav").write_bytes(float_wav(tone(6.0) * 32768))
    audio = load_audio(tmp_path / "s.wav")
    assert np.abs(audio.samples).max() == pytest.approx(1.0)


def test_probe_reads_headers_only(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "s",
        tone(6.0),
        container="mp3",
        codec="libmp3lame",
        tags={"title": "Étude", "artist": "Nobody"},
        layout="stereo",
    )
    found = probe(path)
    assert (found.format, found.sample_rate, found.channels) == ("mp3", RATE, 2)
    assert (found.title, found.artist) == ("Étude", "Nobody")
    assert found.duration == pytest.approx(6.0, abs=0.1)
    assert get_audio_metadata(path) == found


def test_mixing_to_one_channel_survives_inverted_polarity() -> None:
    left = tone(1.0, channels=1)[0]
    same = to_mono(Audio(np.stack([left, left]), RATE))
    inverted = to_mono(Audio(np.stack([left, -left]), RATE))
    np.testing.assert_allclose(same.samples[0], left, atol=1e-6)
    np.testing.assert_allclose(inverted.samples[0], left, atol=1e-6)
    one = Audio(left[None, :].copy(), RATE)
    assert to_mono(one) is one


@given(gain=st.floats(0.001, 1.0), channels=st.integers(1, 2))
def test_rms_of_a_sine_is_its_amplitude_over_root_two(gain: float, channels: int) -> None:
    wave_form = (gain * np.sin(2 * np.pi * 441 * np.arange(RATE) / RATE)).astype(np.float32)
    audio = Audio(np.repeat(wave_form[None, :], channels, axis=0), RATE)
    assert compute_rms(audio) == pytest.approx(gain / np.sqrt(2), rel=1e-4)


def test_no_samples_are_ordinary() -> None:
    empty = Audio(np.zeros((2, 0), np.float32), RATE)
    assert compute_rms(empty) == 0.0
    assert to_mono(empty).samples.shape == (1, 0)
    assert resample(empty, 22_050).samples.shape == (2, 0)
    with pytest.raises(AudioTooShort):
        validate_audio_signal(empty)


def test_validation_returns_what_it_measured() -> None:
    assert validate_audio_signal(Audio(tone(6.0), RATE)) == {"sample_rate": RATE, "duration_seconds": 6.0}


@pytest.mark.parametrize(("level", "is_silent"), [(-70.0, True), (-50.0, False)])
def test_silence_is_judged_by_the_loudest_second(level: float, is_silent: bool) -> None:
    samples = np.zeros((1, 6 * RATE), np.float32)
    samples[0, 3 * RATE : 4 * RATE] = tone(1.0, channels=1)[0] / np.std(tone(1.0)) * 10 ** (level / 20)
    if is_silent:
        with pytest.raises(SilentAudio) as caught:
            validate_audio_signal(Audio(samples, RATE))
        assert caught.value.facts["level_dbfs"] == pytest.approx(level, abs=1.0)
    else:
        validate_audio_signal(Audio(samples, RATE))


@settings(max_examples=20)
@given(rate=st.sampled_from([16_000, 44_100, 48_000]), target=st.sampled_from([22_050, 44_100]), seconds=st.floats(0.05, 0.5))
def test_a_clip_has_exactly_the_length_asked_for(rate: int, target: int, seconds: float) -> None:
    clip = tone(seconds, rate, channels=1)[0]
    resampled = resample_clip_to_target(clip, rate, target, 8820)
    assert resampled.shape == (8820,)
    end = min(8820, int(seconds * target) - 10)
    assert np.sqrt(np.mean(resampled[:end] ** 2)) == pytest.approx(
        np.sqrt(np.mean(clip[: int(end * rate / target)] ** 2)), rel=0.1
    )


def test_a_saved_wav_reads_back_to_within_a_step() -> None:
    audio = Audio(np.concatenate([tone(1.0), np.full((2, 10), 1.5, np.float32)], axis=1), RATE)
    with wave.open(io.BytesIO(save_wav(audio))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE, RATE + 10)
        read = np.frombuffer(file.readframes(RATE + 10), "<i2").reshape(-1, 2).T / 32767
    np.testing.assert_allclose(read, np.clip(audio.samples, -1, 1), atol=1 / 32767)


@pytest.mark.parametrize("kind", ["mp3", "flac", "m4a", "opus", "webm", "wav16"])
def test_rubbish_behind_the_end_is_harmless(kind: str, tmp_path: Path) -> None:
    container, codec, rate = FORMATS[kind]
    path = encode(tmp_path / "song", tone(6.0, rate), rate=rate, container=container, codec=codec)
    path.write_bytes(path.read_bytes() + np.random.default_rng(0).bytes(3000))
    assert load_audio(path).duration == pytest.approx(6.0, abs=0.1)


def test_a_limit_is_the_callers_choice(tmp_path: Path) -> None:
    (tmp_path / "s.wav").write_bytes(pcm16(tone(2.0)))
    assert load_audio(tmp_path / "s.wav", options=IngestOptions(min_duration_s=1.0)).duration == 2.0


def test_no_file_stays_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files cannot be counted here")
    (tmp_path / "good.wav").write_bytes(pcm16(tone(6.0)))
    (tmp_path / "bad.mp3").write_bytes(b"ID3" + bytes(500))
    load_audio(tmp_path / "good.wav")
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for _ in range(3):
        load_audio(tmp_path / "good.wav")
        with pytest.raises(UnreadableAudio):
            load_audio(tmp_path / "bad.mp3")
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_importing_the_decoder_waits_until_a_file_is_decoded() -> None:
    code = "import sys, drumscribe.audio; sys.exit(any(m in sys.modules for m in ('av', 'soxr', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
