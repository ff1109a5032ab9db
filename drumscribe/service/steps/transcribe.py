"""The last step: the score is written, in every format. A re-engraving is this step alone, with other options.

Nothing here needs the sound or a network. The same performance and options give the same bytes, so an attempt that died half-way
is simply repeated: what it saved stays.
"""

from __future__ import annotations

import gc
import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from drumscribe.export.documents import read_performance_json
from drumscribe.outputs import OUTPUTS, Made, Song
from drumscribe.pipeline import count, engrave
from drumscribe.service.jobs.edits import corrected
from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.jobs.options import EngraveOptions
from drumscribe.service.steps.listening import Listening
from drumscribe.service.steps.predict import judge
from drumscribe.service.steps.work import LISTENING, PERFORMANCE, RESULT, SCORE, Done, Work
from drumscribe.types import SCHEMA_VERSION, Performance, Progress, Score

#: Artifact of every format that is one file. Pages are many, and also come together in an archive.
NAMES = {
    "hits": "hits.json",
    "csv": "hits.csv",
    "beats": "beats.json",
    "musicxml": "sheet_music.musicxml",
    "mxl": "sheet_music.mxl",
    "midi": "sheet_music.mid",
    "score-midi": "score.mid",
    "pdf": "sheet_music.pdf",
    "jams": "hits.jams",
    "tab": "sheet_music.txt",
    "picture": "picture.png",
    "performance": PERFORMANCE,
    "score": SCORE,
}
PAGES = ("svg", "png")
#: Bars that are proposed for a second look, and the least doubt that makes one.
REVIEWED = 20
LEAST_DOUBT = 0.05


def transcribe_and_export(work: Work) -> Done:
    """Write one revision of the score."""
    job, storage, revision = work.job, work.services.storage, work.job.working_on
    listening = Listening.from_bytes(storage.read_file(job.id, 1, LISTENING))
    engraving, performance = _performance(work, listening)
    options = work.options(engraving)
    options = replace(options, notation=replace(options.notation, title=engraving.title or job.title))
    work.on_progress(Progress("engrave", 0.0))
    score = engrave(performance, options=options)
    song = Song(performance, score, options.pdf, lambda: listening.spectrogram)
    made: dict[str, bytes] = {}
    pages = 0
    artifacts: list[NewArtifact] = []
    judged = judge(performance)
    for done, form in enumerate(OUTPUTS):
        if form == "performance" and revision == 1:  # the step before has written it
            continue
        work.on_progress(Progress("engrave", 0.1 + 0.85 * done / len(OUTPUTS)))
        output = _write(form, song)
        judged["warnings"] += [{"code": warning.code, "message": warning.message} for warning in output.warnings]
        content = list(output.files.values())
        if form in PAGES:
            artifacts += _save_pages(work, form, content)
            pages = len(content) if form == "svg" else pages
        elif content:
            artifacts.append(work.save(NAMES[form], content[0], "result", form))
            made[form] = content[0]
    result = _result(work, engraving, performance, score, listening, judged, made, pages)
    artifacts.append(work.save(RESULT, result, "internal"))
    values = judged | {
        "bpm": engraving.bpm,
        "result_musicxml_path": f"{job.id}/{revision}/{NAMES['musicxml']}",
        "result_pdf_path": f"{job.id}/{revision}/{NAMES['pdf']}" if "pdf" in made else None,
    }
    gc.collect()
    return Done(values, tuple(artifacts))


def _performance(work: Work, listening: Listening) -> tuple[EngraveOptions, Performance]:
    """What was played, as a person has corrected it, under the pulse that this revision asks for."""
    engraving, base = work.engraving(work.job.working_on)
    read = partial(work.services.storage.read_file, work.job.id, base)
    edits = work.edits()
    stored = corrected(read(PERFORMANCE), read(SCORE), edits) if edits else read_performance_json(read(PERFORMANCE))
    if not engraving.changes_beats(work.engraving(base)[0]):
        return engraving, stored
    counted = count(stored.hits, listening.beats, duration=stored.duration, options=work.options(engraving))
    return engraving, replace(counted, told=stored.told)


def _write(form: str, song: Song) -> Made:
    # Pages for the screen come from the engraver in this process: it takes milliseconds, and its pictures know their notes
    if form in PAGES:
        song = replace(song, pdf=replace(song.pdf, backend="verovio"))
    return OUTPUTS[form](song)


def _save_pages(work: Work, form: str, pages: Sequence[bytes]) -> list[NewArtifact]:
    if not pages:
        return []
    names = [f"page-{number}.{form}" for number in range(1, len(pages) + 1)]
    saved = [work.save(name, page, "result") for name, page in zip(names, pages, strict=True)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, page in zip(names, pages, strict=True):
            file.writestr(zipfile.ZipInfo(name), page, zipfile.ZIP_DEFLATED)  # of 1980, so that equal pages give equal bytes
    return [*saved, work.save(f"pages.{form}.zip", archive.getvalue(), "result", form)]


def review(score: Score) -> list[dict[str, Any]]:
    """The bars where mistakes are most likely, the worst first: what the confidence of their notes lacks to 1, summed."""
    doubts = {k: sum(1 - note.confidence for note in bar.notes) for k, bar in enumerate(score.bars)}
    starts = score.starts
    rows: list[dict[str, Any]] = []
    for k in sorted((k for k, doubt in doubts.items() if doubt >= LEAST_DOUBT), key=lambda k: (-doubts[k], k))[:REVIEWED]:
        bar = score.bars[k]
        uncertain = sorted((n for n in bar.notes if n.confidence < 1), key=lambda n: (n.confidence, n.onset, n.drum))
        rows.append(
            {
                "bar": k,
                "number": bar.number,
                "start": round(score.tempo_map.time_at(starts[k]), 4),
                "end": round(score.tempo_map.time_at(starts[k] + bar.quarters), 4),
                "doubt": round(doubts[k], 3),
                "hits": [{"time": n.time, "drum": str(n.drum), "confidence": round(n.confidence, 4)} for n in uncertain],
            }
        )
    return rows


def _result(
    work: Work,
    engraving: EngraveOptions,
    performance: Performance,
    score: Score,
    listening: Listening,
    judged: dict[str, Any],
    made: dict[str, bytes],
    pages: int,
) -> bytes:
    """Everything musical that `GET /result` answers, as one document."""
    beats = json.loads(made["beats"])
    signatures = Counter(bar.time_signature for bar in score.bars)
    usual = signatures.most_common(1)[0][0] if signatures else None
    document = {
        "schema_version": SCHEMA_VERSION,
        "revision": work.job.working_on,
        "title": score.title,
        "duration_seconds": performance.duration,
        "bpm": beats["bpm"],
        "detected_bpm": work.job.detected_bpm,
        "bpm_unreliable": judged["bpm_unreliable"],
        "time_signature": f"{usual.numerator}/{usual.denominator}" if usual else None,
        "bars": len(score.bars),
        "hits": json.loads(made["hits"]),
        "hit_summary": judged["hit_summary"],
        "confidence_score": judged["confidence_score"],
        "warnings": judged["warnings"],
        "vocabulary": listening.vocabulary,
        "beats": beats["beats"],
        "downbeats": beats["downbeats"],
        "tempo_map": beats["tempo_map"],
        "time_signatures": beats["time_signatures"],
        "review": review(score),
        "pages": pages,
        "model_version": work.job.model_version,
        "options": engraving.model_dump(mode="json"),
    }
    return (json.dumps(document, separators=(",", ":")) + "\n").encode()
