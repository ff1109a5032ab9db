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
    from drumscribe.audio import save_lossless
    from drumscribe.separation import common_gain, isolate, take_apart

    mix = work.load(AUDIO)
    parts = take_apart(mix, isolate(mix, options=work.options().separation, on_progress=work.on_progress))
    gain = common_gain(*parts)
    sizes: dict[str, int] = {}
    for part, (name, form) in zip(parts, _STEMS, strict=True):
        save_lossless(part, work.scratch / name, gain=gain)
        sizes[name] = work.save(name, work.scratch / name, "stem", form).size
        work.check()
    return sizes


def _free() -> None:
    """Give back what separation took; its network stays loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
