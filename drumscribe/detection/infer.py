"""Run the drum network: sound → frame-wise probability and loudness of each drum's onset."""

from __future__ import annotations

import numpy as np

from drumscribe.audio import resample
from drumscribe.chunks import run_in_chunks
from drumscribe.detection.loudness import refine_loudness
from drumscribe.detection.picking import find_peaks
from drumscribe.features import FRAME_RATE, SAMPLE_RATE, log_mel, mono, scale_to_level
from drumscribe.types import Activations, Drum, FloatArray, OnProgress, Progress, Stem, ignore_progress
from drumscribe.weights import Network

CHUNK_FRAMES = 2000  #: 20 s kept of each piece: bounds memory, costs a quarter more work at the margins
STROKE_FRAMES = 3  #: strokes of one drum that teach its loudness lie further apart than this


def activate(stem: Stem, model: Network, *, on_progress: OnProgress = ignore_progress) -> tuple[Activations, FloatArray]:
    """Find where each drum may have been struck.

    Parameters
    ----------
    stem : Stem
        Drums alone or the whole mix, at any rate and level.
    model : Network
        The drum network; its configuration names the outputs and their calibration.

    Returns
    -------
    Activations
        Calibrated probabilities and loudness, one frame every 10 ms.
    spectrum : (frames, BANDS) float32
        The log-mel spectrum they came from, which the beat network reads as well.
    """
    audio = stem.audio if stem.audio.sample_rate == SAMPLE_RATE else resample(stem.audio, SAMPLE_RATE)
    spectrum = log_mel(scale_to_level(mono(audio)))
    config = model.config
    drums = tuple(Drum(name) for name in config["drums"])

    def run(frames: FloatArray) -> FloatArray:
        return np.asarray(model.session.run(None, {"log_mel": frames[None]})[0])[0]

    logits = np.zeros((0, 2 * len(drums)), np.float32)
    if len(spectrum):
        logits = run_in_chunks(
            run,
            spectrum,
            chunk=CHUNK_FRAMES,
            context=int(config["context"]),
            on_chunk=lambda f: on_progress(Progress("listen", f)),
        )
    count = len(drums)
    calibration = config["calibration"]
    onset = logits[:, :count] * np.array(calibration["scale"], np.float32) + np.array(calibration["offset"], np.float32)
    values = sigmoid(onset)
    thresholds = config["picking"]["thresholds"]
    strokes = [find_peaks(values[:, k], float(t), STROKE_FRAMES) for k, t in enumerate(thresholds)]
    loudness = refine_loudness(spectrum, sigmoid(logits[:, count:]), strokes, drums)
    return Activations(values, loudness, drums, FRAME_RATE, model.ref), spectrum


def sigmoid(logits: FloatArray) -> FloatArray:
    """1 / (1 + exp(-logits)) without overflow."""
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * logits) + np.float32(1))
