"""Audio → Stem: what the transcriber listens to.

Three backends behind one door: `none` passes the mix on (the transcriber is trained on mixes), `light` isolates the
drums with a small network of our own that ships with the package, `demucs` with Hybrid Transformer Demucs, which needs
the extra `drumscribe[demucs]`. `take_apart` makes drums and drumless of it, `separation.pieces` the pieces of the kit.
"""

from __future__ import annotations

import numpy as np

from drumscribe.audio import resample
from drumscribe.options import SeparationOptions
from drumscribe.types import Audio, OnProgress, Progress, Stem, ignore_progress


def isolate(audio: Audio, *, options: SeparationOptions | None = None, on_progress: OnProgress = ignore_progress) -> Stem:
    """Give the transcriber something to listen to.

    Parameters
    ----------
    audio : Audio
        One or two channels at any rate.
    options : SeparationOptions
        Which backend, which network, which device.
    on_progress : callable
        Told about the stage `separate`.

    Returns
    -------
    Stem
        With backend `none` the recording itself (`source` is "mix"), else the drums (`source` is "drums").

    Raises
    ------
    DependencyMissing
        If the backend is not installed.
    WeightsError
        If its weights cannot be had or read.
    """
    options = options or SeparationOptions()
    on_progress(Progress("separate", 0.0))
    if options.backend == "demucs":
        from drumscribe.separation.demucs import isolate_drums

        stem = isolate_drums(audio, options=options, on_progress=on_progress)
    elif options.backend == "light":
        from drumscribe.separation import light

        stem = light.isolate_drums(audio, threads=options.threads, on_progress=on_progress)
    else:
        stem = Stem(audio, "mix")
    on_progress(Progress("separate", 1.0))
    return stem


def hears_stem(options: SeparationOptions) -> bool:
    """Whether the transcriber should listen to the stem instead of the recording.

    The networks are trained on mixes. Through `light` they find no more than in the mix itself (`docs/model/light.md`), so its
    stem is to play along with.
    """
    return options.backend == "demucs"


def take_apart(mix: Audio, stem: Stem) -> tuple[Audio, Audio]:
    """The drums and the rest of a mix, as long as the mix and at its rate; they add up to it."""
    drums = resample(stem.audio, mix.sample_rate).samples
    drums = np.pad(drums, ((0, 0), (0, max(0, mix.samples.shape[1] - drums.shape[1]))))[:, : mix.samples.shape[1]]
    return Audio(drums, mix.sample_rate), Audio(mix.samples - drums, mix.sample_rate)


def common_gain(*parts: Audio) -> float:
    """The gain, at most 1, under which no part leaves full scale: one for all, since they are played together."""
    return 1.0 / max(1.0, *(float(np.abs(part.samples).max(initial=0.0)) for part in parts))
