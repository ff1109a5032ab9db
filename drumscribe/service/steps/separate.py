"""The second step: the drums alone, where a job asks for them."""

from __future__ import annotations

import gc
import sys

from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.steps.work import AUDIO, DRUMLESS, DRUMS, Done, Work, content_type

_STEMS = ((DRUMS, "drums"), (DRUMLESS, "drumless"))


def separate_drums(work: Work) -> Done:
    """Isolate the drums, and take them out of the mix for playing along. Without separation there is nothing to do."""
    if work.options().separation.backend == "none":
        return Done()
    stored = {file.name: file.size for file in work.services.storage.list_job_files(work.job.id) if file.revision == 1}
    if not all(name in stored for name, _ in _STEMS):  # else an earlier attempt came as far
        try:
            stored |= _separate(work)
        finally:
            _free()
    return Done(artifacts=tuple(NewArtifact(name, "stem", content_type(name), stored[name], form) for name, form in _STEMS))


def _separate(work: Work) -> dict[str, int]:
    import numpy as np

    from drumscribe.audio import resample, save_lossless
    from drumscribe.separation import isolate
    from drumscribe.types import Audio

    mix = work.load(AUDIO)
    stem = isolate(mix, options=work.options().separation, on_progress=work.on_progress).audio
    drums = resample(stem, mix.sample_rate).samples
    drums = np.pad(drums, ((0, 0), (0, max(0, mix.samples.shape[1] - drums.shape[1]))))[:, : mix.samples.shape[1]]
    rest = mix.samples - drums
    # one gain for both: they are played together
    gain = 1.0 / max(1.0, *(float(np.abs(part).max(initial=0.0)) for part in (drums, rest)))
    sizes: dict[str, int] = {}
    for samples, (name, form) in zip((drums, rest), _STEMS, strict=True):
        save_lossless(Audio(samples, mix.sample_rate), work.scratch / name, gain=gain)
        sizes[name] = work.save(name, work.scratch / name, "stem", form).size
        work.check()
    return sizes


def _free() -> None:
    """Give back what separation took; its network stays loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
