"""The third step: the networks listen. What they make of the song is kept, so that none has to run again."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace
from typing import Any

from drumscribe.export.documents import read_performance_json, write_performance_json
from drumscribe.options import BeatOptions, Options
from drumscribe.pipeline import count, doubts, hear, mean_confidence
from drumscribe.separation import hears_stem
from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.models import get_models
from drumscribe.service.steps.listening import Listening
from drumscribe.service.steps.work import AUDIO, DRUMS, LISTENING, PERFORMANCE, Done, Work, content_type
from drumscribe.types import INSTRUMENTS, Drum, Performance, Progress, Stem

_DOUBTS = {
    "bpm_unreliable": "The tempo is uncertain; setting it helps.",
    "low_confidence": "Many hits are uncertain.",
    "no_hits": "No drums were heard.",
}


def predict_hits(work: Work) -> Done:
    """Find hits and beats, unless an earlier attempt came as far."""
    options = work.options()
    stored = {file.name: file.size for file in work.services.storage.list_job_files(work.job.id) if file.revision == 1}
    if not {LISTENING, PERFORMANCE} <= set(stored):
        stored |= _listen(work, options, separated=DRUMS in stored and hears_stem(options.separation))
        gc.collect()
    performance = read_performance_json(work.services.storage.read_file(work.job.id, 1, PERFORMANCE))
    listening = Listening.from_bytes(work.services.storage.read_file(work.job.id, 1, LISTENING))
    detected = performance
    if options.beats.bpm is not None or options.beats.octave:  # what would have been found without being told
        told = replace(options, beats=BeatOptions(time_signature=options.beats.time_signature))
        detected = count(performance.hits, listening.beats, duration=performance.duration, options=told)
    values = judge(performance) | {
        "detected_bpm": None if detected.grid.bpm is None else round(detected.grid.bpm, 2),
        "model_version": ", ".join(listening.models),
    }
    return Done(
        values,
        (
            NewArtifact(LISTENING, "internal", content_type(LISTENING), stored[LISTENING]),
            NewArtifact(PERFORMANCE, "result", content_type(PERFORMANCE), stored[PERFORMANCE], "performance"),
        ),
    )


def judge(performance: Performance) -> dict[str, Any]:
    """What a job says about what was heard."""
    # as in hits.json: a cross stick is a snare, other percussion is not written
    found = Counter(Drum.SNARE if hit.drum is Drum.CROSS_STICK else hit.drum for hit in performance.hits)
    return {
        "bpm_unreliable": not performance.grid.reliable,
        "hit_summary": {str(drum): found[drum] for drum in INSTRUMENTS if found[drum]},
        "confidence_score": round(mean_confidence(performance), 4),
        "warnings": [{"code": code, "message": _DOUBTS[code]} for code in doubts(performance)],
    }


def _listen(work: Work, options: Options, *, separated: bool) -> dict[str, int]:
    from drumscribe.export.picture import analyse

    models = get_models(work.services.settings, work.job.model)
    work.check()
    audio = work.load(DRUMS if separated else AUDIO)
    heard = hear(Stem(audio, "drums" if separated else "mix"), models, options=options, on_progress=work.on_progress)
    performance = count(heard.hits, heard.beats, duration=audio.duration, options=options)
    work.on_progress(Progress("beats", 1.0))
    listening = Listening(heard.beats, analyse(audio), models.refs, tuple(map(str, models.vocabulary)))
    kept = (
        work.save(LISTENING, listening.to_bytes(), "internal"),
        work.save(PERFORMANCE, write_performance_json(performance), "result", "performance"),
    )
    return {artifact.name: artifact.size for artifact in kept}
