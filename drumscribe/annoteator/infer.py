"""Hear a recording the way of AnNOTEator: onsets, a clip at each, the network's word for the clip.

A hit is looked at from a quarter of a 32nd note before its onset to a 16th after it, so the tempo decides how much is
cut; every clip is then stretched to the same number of samples, and pitch and duration with it. The steps are those of
its authors to the letter, oddities included: onsets are picked with the windows of hop 512 also where the hop is
1024, the compressor knows that a clip was stretched, and the mel bands do not.

Long recordings are worked through in blocks of frames and in batches of clips, so memory holds the recording, one block, and
the answers.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drumscribe.annoteator.reading import MELS, missing
from drumscribe.audio import resample_clip_to_target, to_mono
from drumscribe.options import BeatOptions
from drumscribe.types import Audio, Drum, FloatArray, Hit, OnProgress, Progress, ignore_progress
from drumscribe.weights import Network

CLIP = 8820  #: samples that every clip is stretched to
SLOW_HOP, FAST_HOP = 1024, 512  #: samples between frames when looking for onsets
FAST_BPM = 110.0  #: above this tempo the hop is the shorter one
FRAME_HOP = 512  #: samples between the frames of a clip
HIGHEST = 8000.0  #: Hz at the song's own rate

THRESHOLD_DB, RATIO, ATTACK_MS, RELEASE_MS = -27.0, 4.0, 1.0, 200.0  #: of the compressor

ATTACK_S = 0.05  #: of a clip, from its onset: what tells how hard a drum was struck
TYPICAL_LOUD = 0.8  #: the quantile of a drum's strokes that counts as its loud ones
LOUD_VELOCITY = 108  #: where those land
VELOCITY_RANGE_DB = 24.0  #: a stroke this far below full velocity counts as velocity 0

_WINDOW = 2048  # samples of a frame
_BLOCK = 1000  # frames looked at together: 12 s at 44.1 kHz
_BATCH = 64  # clips looked at together
_TEMPO_WINDOW_S = 8.0  # of the tempogram
_START_BPM = 120.0  # what the tempo is thought to be if there are no gaps between onsets


def classify(
    audio: Audio, network: Network, *, options: BeatOptions | None = None, on_progress: OnProgress = ignore_progress
) -> tuple[Hit, ...]:
    """Find the strokes in a recording and name them.

    Parameters
    ----------
    audio : Audio
        Drums alone, or the whole mix, at any rate. The network hears levels: a quiet recording gives other hits.
    network : Network
        Of kind `classifier`.
    options : BeatOptions
        `bpm` replaces the tempo that is found.
    on_progress : callable
        Told about the stage `listen`.

    Returns
    -------
    tuple of Hit
        Sorted by (time, drum). Every onset has at least one: where no drum reaches the threshold, the most probable one.
        `confidence` is the network's probability. It has no velocity: that is the level of the attack, against the loud
        strokes of the same drum.

    Raises
    ------
    DependencyMissing
        If the extra is not installed.
    """
    librosa = _librosa()
    samples, rate = to_mono(audio).samples[0], audio.sample_rate
    onsets, bpm = _find_onsets(librosa, samples, rate, options.bpm if options else None)
    drums = [Drum(name) for name in network.config["drums"]]
    threshold = float(network.config["threshold"])
    before = int(60 / bpm / 8 / 4 * rate)
    after = int(60 / bpm * 4 / float(network.config["resolution"]) * rate)
    found: list[tuple[float, Drum, float, float]] = []
    for start in range(0, len(onsets), _BATCH):
        on_progress(Progress("listen", start / len(onsets)))
        batch = onsets[start : start + _BATCH]
        clips, rates = _cut(samples, rate, batch, before, after)
        mels = _mel_power(librosa, _compress(clips, rates), rate)
        del clips
        probabilities = np.asarray(network.session.run(None, {"mel": mels[..., None]})[0])
        del mels
        for onset, row in zip(batch, probabilities, strict=True):
            level = _level(samples[onset : onset + max(1, int(ATTACK_S * rate))])
            reached = np.flatnonzero(row > threshold).tolist()
            found += [(onset / rate, drums[k], level, float(row[k])) for k in reached or [int(row.argmax())]]
    on_progress(Progress("listen", 1.0))
    return _with_velocities(found)


def _find_onsets(librosa: Any, samples: FloatArray, rate: int, bpm: float | None) -> tuple[list[int], float]:
    """Samples at which something was struck, and the tempo."""
    onsets = _pick_onsets(librosa, _onset_strength(librosa, samples, rate, SLOW_HOP), rate, SLOW_HOP)
    fine = None
    if bpm is None:
        fine = _onset_strength(librosa, samples, rate, FAST_HOP)
        bpm = _find_tempo(librosa, fine, rate, onsets)
    if bpm > FAST_BPM:
        fine = _onset_strength(librosa, samples, rate, FAST_HOP) if fine is None else fine
        onsets = _pick_onsets(librosa, fine, rate, FAST_HOP)
    return [onset for onset in onsets if onset < len(samples)], bpm


def _onset_strength(librosa: Any, samples: FloatArray, rate: int, hop: int) -> FloatArray:
    """librosa's onset envelope, with the spectrum taken block by block."""
    padded = np.pad(samples, _WINDOW // 2)
    count = 1 + len(samples) // hop
    mel = np.empty((MELS, count), np.float32)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        part = padded[start * hop : (stop - 1) * hop + _WINDOW]
        mel[:, start:stop] = librosa.feature.melspectrogram(y=part, sr=rate, n_fft=_WINDOW, hop_length=hop, center=False)
    return librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=rate, hop_length=hop)


def _pick_onsets(librosa: Any, envelope: FloatArray, rate: int, hop: int) -> list[int]:
    # the hop is not passed on, nor was it by the authors: at 1024 the picking windows are twice as long
    return [int(frame) * hop for frame in librosa.onset.onset_detect(onset_envelope=envelope, sr=rate)]


def _find_tempo(librosa: Any, envelope: FloatArray, rate: int, onsets: list[int]) -> float:
    """Beats a minute, near the tempo at which the most frequent gap between onsets is an eighth note."""
    gaps, counts = np.unique(np.diff(onsets), return_counts=True)
    start = 60 / (2 * float(gaps[int(counts.argmax())]) / rate) if len(gaps) else _START_BPM
    window = int(librosa.time_to_frames(_TEMPO_WINDOW_S, sr=rate, hop_length=FAST_HOP))
    padded = np.pad(envelope, window // 2, mode="linear_ramp", end_values=(0, 0))
    total = np.zeros((window, 1))
    for first in range(0, len(envelope), _BLOCK):
        part = padded[first : min(first + _BLOCK, len(envelope)) + window - 1]
        total += librosa.feature.tempogram(
            onset_envelope=part, sr=rate, hop_length=FAST_HOP, win_length=window, center=False
        ).sum(axis=1, keepdims=True)
    (bpm,) = librosa.feature.tempo(tg=total / len(envelope), sr=rate, hop_length=FAST_HOP, start_bpm=start, aggregate=None)
    return float(bpm)


def _cut(samples: FloatArray, rate: int, onsets: list[int], before: int, after: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Clips (n, CLIP) around the onsets, stretched to one length, and the rate that each then has by name."""
    clips, rates = np.empty((len(onsets), CLIP), np.float32), np.empty(len(onsets), np.int64)
    for row, onset in enumerate(onsets):
        clip = samples[max(0, onset - before) : onset + after]
        rates[row] = int(rate * CLIP / len(clip)) if len(clip) != CLIP else rate
        clips[row] = resample_clip_to_target(clip, rate, int(rates[row]), CLIP)
    return clips, rates


def _compress(clips: FloatArray, rates: NDArray[np.int64]) -> FloatArray:
    """Turn down what is louder than the threshold; clips (n, CLIP), each from silence.

    The detector follows the magnitude by one pole, faster upwards than downwards; all clips take one step together.
    """
    poles = [np.exp(-2000 * np.pi / (rates * time)).astype(np.float32) for time in (ATTACK_MS, RELEASE_MS)]
    magnitude = np.ascontiguousarray(np.abs(clips).T)
    level = np.zeros(len(clips), np.float32)
    for row in magnitude:
        pole = np.where(row > level, poles[0], poles[1])
        level = row + pole * (level - row)
        row[:] = level
    over = np.maximum(magnitude.T / np.float32(10 ** (THRESHOLD_DB / 20)), 1)
    return clips * over ** np.float32(1 / RATIO - 1)


def _mel_power(librosa: Any, clips: FloatArray, rate: int) -> FloatArray:
    """Mel power spectrograms (n, MELS, frames), with bands at the song's rate whatever the clips were stretched by."""
    # librosa mirrored the ends of a signal when the network was trained, and so it still expects them
    mirrored = np.pad(clips, ((0, 0), (_WINDOW // 2, _WINDOW // 2)), mode="reflect")
    with warnings.catch_warnings():
        # at high rates the lowest bands are narrower than a bin
        warnings.filterwarnings("ignore", message="Empty filters detected")
        return librosa.feature.melspectrogram(
            y=mirrored, sr=rate, n_fft=_WINDOW, hop_length=FRAME_HOP, n_mels=MELS, fmax=HIGHEST, power=2.0, center=False
        )


def _level(attack: FloatArray) -> float:
    return 10 * float(np.log10(np.mean(np.square(attack, dtype=np.float64)) + 1e-12))


def _with_velocities(found: list[tuple[float, Drum, float, float]]) -> tuple[Hit, ...]:
    """Hits from (time, drum, level in dB, probability): loud strokes of each drum get the same velocity."""
    loud = {drum: float(np.quantile([x[2] for x in found if x[1] is drum], TYPICAL_LOUD)) for drum in {x[1] for x in found}}
    hits = [
        Hit(time, drum, int(np.clip(round(LOUD_VELOCITY + 127 * (level - loud[drum]) / VELOCITY_RANGE_DB), 1, 127)), probability)
        for time, drum, level, probability in found
    ]
    return tuple(sorted(hits))


def _librosa() -> Any:
    try:
        return importlib.import_module("librosa")
    except ImportError as error:
        raise missing("librosa", error) from error
