"""Run the drum network: sound → frame-wise probability and loudness of each drum's onset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drumscribe.audio import resample
from drumscribe.chunks import run_in_chunks
from drumscribe.detection.loudness import refine_loudness
from drumscribe.detection.picking import find_peaks
from drumscribe.features import BANDS, FRAME_RATE, SAMPLE_RATE, log_spectrum, mono, scale_to_level, with_profile
from drumscribe.types import Activations, Drum, FloatArray, OnProgress, Progress, Stem, ignore_progress
from drumscribe.weights import Network

CHUNK_FRAMES = 4000  #: 40 s kept of each piece: bounds memory; the margins, 6 s on both sides, are worked on twice
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
    spectrum = log_spectrum(scale_to_level(mono(audio)))
    drums = tuple(Drum(name) for name in model.config["drums"])
    count = len(drums)
    logits = run_network(spectrum, model, on_progress=on_progress)
    values = probabilities(logits, model)
    picking = model.config["picking"]
    strokes = [find_peaks(values[:, k], float(t), STROKE_FRAMES) for k, t in enumerate(picking["thresholds"])]
    spectrum = spectrum[:, :BANDS]
    loudness = refine_loudness(spectrum, sigmoid(logits[:, count:]), strokes, drums, picking.get("loudness_shares"))
    return Activations(values, loudness, drums, FRAME_RATE, model.ref), spectrum


def run_network(spectrum: FloatArray, model: Network, *, on_progress: OnProgress = ignore_progress) -> FloatArray:
    """Logits of a spectrum (frames, SPECTRUM) of any length, (frames, 2 * drums): onsets, then loudness."""
    if not len(spectrum):
        return np.zeros((0, 2 * len(model.config["drums"])), np.float32)

    def run(frames: FloatArray) -> FloatArray:
        return np.asarray(model.session.run(None, {"log_mel": frames[None]})[0])[0]

    context = int(model.config["context"])

    def report(fraction: float) -> None:
        on_progress(Progress("listen", fraction))

    inputs = network_inputs(spectrum, model.config.get("features", {}))
    return run_in_chunks(run, inputs, chunk=CHUNK_FRAMES, context=context, on_chunk=report)


def network_inputs(spectrum: FloatArray, features: Mapping[str, Any]) -> FloatArray:
    """What a network of these `features` reads of a spectrum (n, SPECTRUM): mel bands, low bands, their profile."""
    wanted = spectrum if features.get("low_bands") else spectrum[:, :BANDS]
    return with_profile(wanted) if features.get("profile") else wanted


def probabilities(logits: FloatArray, model: Network) -> FloatArray:
    """Calibrated onset probabilities (frames, drums) of a network's logits."""
    calibration = model.config["calibration"]
    scale, offset = (np.array(calibration[key], np.float32) for key in ("scale", "offset"))
    return sigmoid(logits[:, : len(scale)] * scale + offset)


def sigmoid(logits: FloatArray) -> FloatArray:
    """1 / (1 + exp(-logits)) without overflow."""
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * logits) + np.float32(1))
