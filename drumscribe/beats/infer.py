"""Run the beat network on what the drum network heard, beside a coarse view of the spectrum."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from drumscribe.beats.bars import METRES
from drumscribe.features import BANDS
from drumscribe.types import Activations, BeatActivations, FloatArray
from drumscribe.weights import Network

POOL = 2  #: frames of the drum network per frame of the beat network
COARSE_BANDS = 24
DRUMS = 11
INPUTS = DRUMS + 2 * COARSE_BANDS

#: Tempi that the network tells apart, in beats a minute: quarters of an octave.
TEMPI = tuple(45.0 * 2 ** (k / 4) for k in range(14))
#: Logits of beat and downbeat, of metres (in the order of `bars.METRES`; they help training, nothing reads them), of tempi.
OUTPUTS = 2 + len(METRES) + len(TEMPI)

_GROUP = BANDS // COARSE_BANDS


def beat_inputs(spectrum: FloatArray, values: FloatArray) -> FloatArray:
    """What the beat network reads.

    Parameters
    ----------
    spectrum : (frames, BANDS)
        Log-mel spectrum.
    values : (frames, DRUMS)
        Onset probabilities of the drum network.

    Returns
    -------
    (frames // POOL, INPUTS) float32
        Onset probabilities (the larger of two frames), a coarse log spectrum, and its rise since the frame before.
    """
    count = len(spectrum) // POOL
    onsets = values[: count * POOL].reshape(count, POOL, DRUMS).max(axis=1)
    coarse = spectrum[: count * POOL].reshape(count, POOL, COARSE_BANDS, _GROUP).mean(axis=(1, 3))
    rise = np.maximum(0, np.diff(coarse, axis=0, prepend=coarse[:1]))
    return np.concatenate([onsets, (coarse + 3.0) / 4.0, rise], axis=1, dtype=np.float32)


def activate_beats(spectrum: FloatArray, activations: Activations, model: Network) -> BeatActivations:
    """Frame-wise probability of a beat and of a downbeat.

    Parameters
    ----------
    spectrum : (frames, BANDS)
        The log-mel spectrum that `activations` came from.
    """
    return activate_beat_inputs(beat_inputs(spectrum, activations.values), activations.frame_rate / POOL, model)


def activate_beat_inputs(inputs: FloatArray, rate: float, model: Network) -> BeatActivations:
    """The same from what `beat_inputs` gives, at `rate` frames a second."""
    if not len(inputs):
        empty = np.zeros(0, np.float32)
        return BeatActivations(empty, empty, rate, model.ref)
    logits = np.asarray(model.session.run(None, {"inputs": inputs[None]})[0])[0]
    # training weighs beats and downbeats up, for they are rare; here that is taken back
    probabilities = 1 / (1 + np.exp(-(logits[:, :2] + np.array(model.config["logit_offsets"], np.float32))))
    tempi = _by_second(logits[:, -len(TEMPI) :], rate) if model.config.get("tempi") == list(TEMPI) else None
    return BeatActivations(probabilities[:, 0], probabilities[:, 1], rate, model.ref, tempi)


def _by_second(logits: FloatArray, rate: float) -> FloatArray:
    """Log-probabilities of the classes, averaged over whole seconds (the last may be shorter)."""
    logs = np.asarray(log_softmax(logits.astype(np.float64), axis=1))
    starts = np.arange(0, len(logs), round(rate))
    lengths = np.diff(np.append(starts, len(logs)))
    return (np.add.reduceat(logs, starts, axis=0) / lengths[:, None]).astype(np.float32)
