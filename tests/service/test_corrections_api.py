"""Corrections over HTTP: a person edits a score, the last step writes it anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import uuid4

import httpx
import pytest
from api_server import RunningApi
from songs import enter, look, take_through
from sqlalchemy import select, update

from drumscribe.client import ApiError, DrumScribeClient
from drumscribe.service import migrations
from drumscribe.service.settings import Settings
from drumscribe.service.steps import run_step
from drumscribe.service.tables import Artifact, Job, Revision, Status
from drumscribe.service.wiring import Services, build


@dataclass(frozen=True)
class Written:
    """A song that has been taken through all steps: what it left, to be put where a test wants it."""

    files: dict[str, bytes]
    artifacts: list[dict[str, Any]]
    columns: dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Made once: listening takes seconds, and does not depend on the mode."""
    folder = tmp_path_factory.mktemp("written")
    services = build(Settings.model_validate({"DATA_DIR": str(folder)}))
    migrations.upgrade(services.sessions)
    job_id = enter(services)
    job = take_through(services, job_id)
    with services.sessions.read() as session:
        rows = session.scalars(select(Artifact).where(Artifact.job_id == job_id)).all()
    names = [column.name for column in Artifact.__table__.columns if column.name not in ("job_id", "created_at")]
    artifacts = [{name: getattr(row, name) for name in names} for row in rows]
    files = {row.name: services.storage.read_file(job_id, 1, row.name) for row in rows}
    services.close()
    kept = ("duration_seconds", "sample_rate", "detected_bpm", "hit_summary", "confidence_score", "warnings", "model_version")
    return Written(files, artifacts, {name: getattr(job, name) for name in kept})


@pytest.fixture
def job_id(services: Services, written: Written) -> str:
    """A song that is written."""
    job_id = enter(services)
    for name, content in written.files.items():
        services.storage.save_file(job_id, 1, name, content)
    with services.sessions.write() as session:
        done = {"status": Status.COMPLETED, "progress": 100, "revision": 1, "step": None}
        session.execute(update(Job).where(Job.id == job_id).values(**written.columns, **done))
        session.execute(update(Revision).where(Revision.job_id == job_id).values(status=Status.COMPLETED))
        session.add_all([Artifact(job_id=job_id, **row) for row in written.artifacts])
    return job_id


def send(client: httpx.Client, job_id: str, *edits: dict[str, Any], base: int = 1, **options: Any) -> httpx.Response:
    return client.post(f"jobs/{job_id}/revisions", json={"base_revision": base, "edits": list(edits), **options})


def saved(client: httpx.Client, services: Services, job_id: str, *edits: dict[str, Any], base: int = 1, **options: Any) -> Any:
    """The score once the corrections are made."""
    answer = send(client, job_id, *edits, base=base, **options)
    assert answer.status_code == 202, answer.text
    assert answer.json()["edits"] == len(edits)
    run_step("transcribe_and_export", job_id, services)
    assert (look(services, job_id).status, look(services, job_id).revision) == ("completed", base + 1)
    return score_of(client, job_id)


def score_of(client: httpx.Client, job_id: str) -> Any:
    return client.get(f"jobs/{job_id}/download/score", follow_redirects=True).json()


def names(bar: dict[str, Any]) -> list[tuple[str, str]]:
    return [(note["onset"], note["drum"]) for note in bar.get("notes", [])]


def a_note(score: Any, drum: str, bar: int = 2) -> dict[str, Any]:
    return next(note for note in score["bars"][bar]["notes"] if note["drum"] == drum)


def test_corrections_become_a_revision_in_every_format(client: httpx.Client, services: Services, job_id: str) -> None:
    before = score_of(client, job_id)
    wrong, right, moved = a_note(before, "kick"), a_note(before, "snare"), a_note(before, "hihat_closed")
    after = saved(
        client, services, job_id,
        {"op": "add", "bar": 3, "onset": "7/3", "drum": "tom_low", "velocity": 0.9, "flam": True},
        {"op": "delete", "time": wrong["time"], "drum": "kick"},
        {"op": "confirm", "time": round(right["time"], 4), "drum": "snare"},
        {"op": "change", "time": moved["time"], "drum": "hihat_closed", "to": {"drum": "ride", "bar": 5, "onset": "1/8"}},
    )  # fmt: skip
    tom = a_note(after, "tom_low", 3)
    assert (tom["onset"], tom["velocity"], tom["grace"]) == ("7/3", 114, 1)
    assert (wrong["onset"], "kick") not in names(after["bars"][2])
    assert a_note(after, "snare").get("confidence", 1.0) == 1.0
    assert ("1/8", "ride") in names(after["bars"][5])
    for k, (old, new) in enumerate(zip(before["bars"], after["bars"], strict=True)):
        if k not in (2, 3, 5):
            assert names(old) == names(new), k
    result = client.get(f"jobs/{job_id}/result").json()
    hits = [(hit["time"], hit["instrument"]) for hit in result["hits"]]
    assert (round(wrong["time"], 4), "kick") not in hits
    assert (round(tom["time"], 4), "tom_low") in hits
    assert result["hit_summary"]["tom_low"] == sum(drum == "tom_low" for _, drum in hits)
    assert "tom" in client.get(f"jobs/{job_id}/download/musicxml", follow_redirects=True).text.lower()
    assert client.get(f"jobs/{job_id}/download/pdf", follow_redirects=True).content[:5] == b"%PDF-"
    shown = [(one["number"], one["edits"]) for one in client.get(f"jobs/{job_id}/revisions").json()["items"]]
    assert shown == [(1, 0), (2, 4)]
    assert client.get(f"jobs/{job_id}/revisions/2").json()["edits"] == 4
    assert score_of_revision(client, job_id, 1) == before  # what was there is kept


def score_of_revision(client: httpx.Client, job_id: str, number: int) -> Any:
    return client.get(f"jobs/{job_id}/download/score", params={"revision": number}, follow_redirects=True).json()


def test_what_was_corrected_stays_under_other_options(client: httpx.Client, services: Services, job_id: str) -> None:
    add = {"op": "add", "bar": 4, "onset": "5/6", "drum": "snare", "velocity": 0.7}
    edited = saved(client, services, job_id, add)
    note = next(n for n in edited["bars"][4]["notes"] if (n["onset"], n["drum"]) == ("5/6", "snare"))
    one_voice = saved(client, services, job_id, base=2, voices=1)
    assert [names(bar) for bar in one_voice["bars"]] == [names(bar) for bar in edited["bars"]]
    halved = saved(client, services, job_id, base=3, octave="half")
    found = [n for bar in halved["bars"] for n in bar["notes"] if n["time"] == note["time"] and n["drum"] == "snare"]
    assert len(found) == 1
    assert Fraction(found[0]["onset"]).denominator in (3, 6, 12)  # a triplet still, counted in half as many beats
    back = saved(client, services, job_id, base=4, octave="")
    assert ("5/6", "snare") in names(back["bars"][4])


def test_corrections_and_another_pulse_go_together(client: httpx.Client, services: Services, job_id: str) -> None:
    before = score_of(client, job_id)
    wrong = a_note(before, "kick")
    halved = saved(client, services, job_id, {"op": "delete", "time": wrong["time"], "drum": "kick"}, octave="half")
    assert len(halved["bars"]) < len(before["bars"])
    assert all(abs(n["time"] - wrong["time"]) > 1e-3 or n["drum"] != "kick" for bar in halved["bars"] for n in bar["notes"])


@pytest.mark.parametrize(
    ("edit", "about"),
    [
        ({"op": "delete", "time": 12.3456, "drum": "kick"}, "no kick at 12.3456"),
        ({"op": "confirm", "time": 1e6, "drum": "kick"}, "no kick"),
        ({"op": "add", "bar": 9999, "onset": "0", "drum": "kick"}, "no bar 9999"),
        ({"op": "add", "bar": 1, "onset": "4", "drum": "kick"}, "not inside"),
        ({"op": "add", "bar": 1, "onset": "1/7", "drum": "kick"}, "cannot be written"),
        ({"op": "add", "bar": 1, "onset": "1/9999", "drum": "kick"}, "cannot be written"),
        ({"op": "add", "bar": 1, "onset": "1", "drum": "kick", "flam": True}, "flams"),
    ],
)
def test_what_does_not_fit_is_named(client: httpx.Client, job_id: str, edit: dict[str, Any], about: str) -> None:
    fine = {"op": "add", "bar": 1, "onset": "0", "drum": "crash"}
    answer = send(client, job_id, fine, edit)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_edit")
    assert answer.json()["errors"][0]["field"] == "body.edits.1"
    assert about in answer.json()["errors"][0]["message"]
    assert len(client.get(f"jobs/{job_id}/revisions").json()["items"]) == 1


@pytest.mark.parametrize(
    "edit",
    [
        '{"op": "add", "bar": 1, "onset": "1/0", "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": "-1", "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": 1.5, "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": "' + "9" * 100_000 + '", "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": "١", "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": "1\\n", "drum": "kick"}',
        '{"op": "add", "bar": -1, "onset": "1", "drum": "kick"}',
        '{"op": "add", "bar": 1.5, "onset": "1", "drum": "kick"}',
        '{"op": "add", "bar": ' + "1" * 400 + ', "onset": "1", "drum": "kick"}',
        '{"op": "add", "bar": true, "onset": "1", "drum": "kick"}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "other"}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "gong"}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "kick", "velocity": NaN}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "kick", "velocity": 1.01}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "kick", "velocity": 1e999}',
        '{"op": "add", "bar": 1, "onset": "1", "drum": "kick", "more": 1}',
        '{"op": "add", "onset": "1", "drum": "kick"}',
        '{"op": "delete", "time": NaN, "drum": "kick"}',
        '{"op": "delete", "time": Infinity, "drum": "kick"}',
        '{"op": "delete", "time": -1, "drum": "kick"}',
        '{"op": "delete", "time": "1", "drum": "kick"}',
        '{"op": "change", "time": 1, "drum": "kick"}',
        '{"op": "change", "time": 1, "drum": "kick", "to": {"drum": null, "gone": 1}}',
        '{"op": "erase", "time": 1, "drum": "kick"}',
        "{}",
        "null",
        "[]",
    ],
)
def test_what_is_no_correction_is_refused_where_it_stands(client: httpx.Client, edit: str) -> None:
    job_id = uuid4()
    fine = '{"op": "add", "bar": 1, "onset": "0", "drum": "crash"}'
    body = f'{{"base_revision": 1, "edits": [{fine}, {edit}]}}'
    answer = client.post(f"jobs/{job_id}/revisions", content=body.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), answer.text
    assert all(one["field"].startswith("body.edits.1") for one in answer.json()["errors"])


def test_thousands_of_corrections_are_taken_and_no_more(client: httpx.Client, services: Services, job_id: str) -> None:
    """All in one place but the last: what counts is that each is done, in order."""
    softer = [
        {"op": "add", "bar": k % 12, "onset": "13/4", "drum": "tom_high", "velocity": 0.111111 + k / 10_000, "flam": True}
        for k in range(5000)
    ]
    assert send(client, job_id, *softer, softer[0]).status_code == 422
    after = saved(client, services, job_id, *softer)
    velocities = [note["velocity"] for bar in after["bars"][:12] for note in bar["notes"] if note["onset"] == "13/4"]
    assert velocities.count(round(127 * (0.111111 + 4999 / 10_000))) >= 1
    toms = [note for bar in after["bars"][:12] for note in bar["notes"] if note["drum"] == "tom_high"]
    assert len([note for note in toms if note["onset"] == "13/4"]) == 12


def test_a_huge_body_is_not_read(client: httpx.Client) -> None:
    answer = client.post(
        f"jobs/{uuid4()}/revisions", content=b"[" + b" " * 3_000_000, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_two_who_correct_at_once_find_out(client: httpx.Client, services: Services, job_id: str) -> None:
    add = {"op": "add", "bar": 1, "onset": "0", "drum": "crash"}
    saved(client, services, job_id, add)
    late = send(client, job_id, add)
    assert (late.status_code, late.json()["code"], late.json()["newest"]) == (409, "revision_conflict", 2)
    assert send(client, job_id, add, base=2).status_code == 202
    busy = send(client, job_id, add, base=2)  # the same again, as after an answer that was lost
    assert (busy.status_code, busy.json()["code"]) == (409, "job_not_completed")


def test_what_is_not_there_cannot_be_corrected(client: httpx.Client, services: Services) -> None:
    add = {"op": "add", "bar": 1, "onset": "0", "drum": "crash"}
    assert send(client, str(uuid4()), add).json()["code"] == "job_not_found"
    assert send(client, enter(services), add).json()["code"] == "job_not_completed"


def test_corrections_are_forgotten_with_their_job(client: httpx.Client, services: Services, job_id: str) -> None:
    saved(client, services, job_id, {"op": "add", "bar": 1, "onset": "0", "drum": "crash"})
    with services.sessions.read() as session:
        assert session.scalars(select(Revision.edits).where(Revision.number == 2)).one() is not None
    client.delete(f"jobs/{job_id}")
    with services.sessions.read() as session:
        assert session.scalars(select(Revision.edits).where(Revision.number == 2)).one() is None


def test_doubtful_bars_are_told(client: httpx.Client, services: Services, job_id: str) -> None:
    result = client.get(f"jobs/{job_id}/result").json()
    review, score = result["review"], score_of(client, job_id)
    assert 0 < len(review) <= 20
    assert [bar["doubt"] for bar in review] == sorted((bar["doubt"] for bar in review), reverse=True)
    for bar in review:
        written = score["bars"][bar["bar"]]
        notes = {(note["time"], note["drum"]): note.get("confidence", 1.0) for note in written["notes"]}
        assert (bar["number"], bar["start"]) == (written["number"], pytest.approx(written["time"], abs=1e-3))
        assert bar["doubt"] == pytest.approx(sum(1 - sure for sure in notes.values()), abs=1e-3)
        sure = [hit["confidence"] for hit in bar["hits"]]
        assert sure == sorted(sure)
        assert {(hit["time"], hit["drum"]) for hit in bar["hits"]} <= set(notes)
    assert result["beats"][0]["number"] >= 1
    page = client.get(f"jobs/{job_id}/download/svg", params={"page": result["pages"]}, follow_redirects=True)
    assert page.status_code == 200
    assert client.get(f"jobs/{job_id}/download/svg", params={"page": result["pages"] + 1}).status_code == 404
    # once a person has been through, none is left
    hits = [{"op": "confirm", "time": hit["time"], "drum": hit["drum"]} for bar in review for hit in bar["hits"]]
    saved(client, services, job_id, *hits)
    left = client.get(f"jobs/{job_id}/result").json()["review"]
    assert not {bar["bar"] for bar in left} & {bar["bar"] for bar in review}


def test_the_stored_form_is_the_request(client: httpx.Client, services: Services, job_id: str) -> None:
    edits = [
        {"op": "add", "bar": 1, "onset": "1/3", "drum": "snare", "velocity": 0.5},
        {"op": "change", "time": a_note(score_of(client, job_id), "kick")["time"], "drum": "kick", "to": {"velocity": 0}},
    ]
    after = saved(client, services, job_id, *edits)
    with services.sessions.read() as session:
        assert json.loads(json.dumps(session.scalars(select(Revision.edits).where(Revision.number == 2)).one())) == edits
    assert a_note(after, "kick")["velocity"] == 1


def test_the_client_corrects_what_the_result_doubts(api: RunningApi, services: Services, job_id: str) -> None:
    with DrumScribeClient(api.base_url) as client:
        result = client.result(job_id)
        doubtful = result.review[0]
        assert (result.beats[0].number, result.pages) == (1, 1)
        revision = client.correct(
            job_id,
            [
                {"op": "confirm", "time": doubtful.hits[0].time, "drum": doubtful.hits[0].drum},
                {"op": "add", "bar": 2, "onset": "11/3", "drum": "snare", "velocity": 0.2},
            ],
            title="Corrected",
        )
        assert (revision.number, revision.base, revision.edits) == (2, 1, 2)
        run_step("transcribe_and_export", job_id, services)
        assert client.wait(job_id, timeout_s=10).title == "Corrected"
        with pytest.raises(ApiError) as refused:
            client.correct(job_id, [{"op": "delete", "time": 0.0, "drum": "crash"}])
        assert (refused.value.code, refused.value.status) == ("invalid_edit", 422)
        assert refused.value.errors[0][0] == "body.edits.0"


def bar_lines(score: Any) -> list[float]:
    return [bar["time"] for bar in score["bars"]]


def test_bars_are_divided_added_and_cut_and_an_earlier_revision_comes_back(
    client: httpx.Client, services: Services, job_id: str
) -> None:
    before = score_of(client, job_id)
    metre = "{numerator}/{denominator}".format(**before["bars"][3]["time_signature"])
    kick = a_note(before, "kick", 0)
    divided = saved(
        client, services, job_id,
        {"op": "delete", "time": kick["time"], "drum": "kick"},
        {"op": "divide_bars", "first": 3, "last": 3, "into": [metre, metre]},
    )  # fmt: skip
    assert len(divided["bars"]) == len(before["bars"]) + 1
    assert bar_lines(divided)[:4] + bar_lines(divided)[5:] == bar_lines(before)
    assert [names(bar) for bar in divided["bars"][5:]] == [names(bar) for bar in before["bars"][4:]]
    assert (kick["onset"], "kick") not in names(divided["bars"][0])
    result = client.get(f"jobs/{job_id}/result").json()
    lines = bar_lines(divided)
    assert all(min(abs(beat - line) for beat in result["downbeats"]) < 0.08 for line in lines[3:6])
    assert client.get(f"jobs/{job_id}/download/musicxml", follow_redirects=True).text.count("<measure ") == len(divided["bars"])

    cut = saved(client, services, job_id, {"op": "cut_bars", "at": "end", "count": 2}, base=2)
    assert [names(bar) for bar in cut["bars"]] == [names(bar) for bar in divided["bars"][:-2]]
    result = client.get(f"jobs/{job_id}/result").json()
    assert max(hit["time"] for hit in result["hits"]) < lines[-2] + 0.05
    assert max(row["bar"] for row in result["review"]) < len(cut["bars"])
    longer = saved(client, services, job_id, {"op": "add_bars", "at": "end"}, base=3, voices=1)
    assert names(longer["bars"][-1]) == []
    assert longer["bars"][-1]["time"] == pytest.approx(lines[-2], abs=0.08)
    for form in ("pdf", "midi", "score-midi", "jams", "tab", "csv", "svg"):
        assert client.get(f"jobs/{job_id}/download/{form}", follow_redirects=True).status_code == 200, form

    answer = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 4, "restore": 1})
    assert (answer.status_code, answer.json()["base"], answer.json()["options"]["voices"]) == (202, 1, 2)
    run_step("transcribe_and_export", job_id, services)
    assert look(services, job_id).revision == 5
    assert score_of(client, job_id)["bars"] == before["bars"]
    # and from there one corrects on
    again = saved(client, services, job_id, {"op": "delete", "time": kick["time"], "drum": "kick"}, base=5)
    assert [names(bar) for bar in again["bars"][1:]] == [names(bar) for bar in before["bars"][1:]]


@pytest.mark.parametrize(
    ("edits", "at"),
    [
        ([{"op": "add_bars", "at": "end", "count": 200}], 0),
        ([{"op": "cut_bars", "at": "start", "count": 399}], 0),
        ([{"op": "divide_bars", "first": 5, "last": 2, "into": ["4/4"]}], 0),
        ([{"op": "divide_bars", "first": 2, "last": 2, "into": ["7/8"]}], 0),
        ([{"op": "cut_bars", "at": "end"}, {"op": "add", "bar": 0, "onset": "0", "drum": "crash"}], 1),
    ],
)
def test_bars_that_do_not_fit_are_refused_by_name(client: httpx.Client, job_id: str, edits: list[Any], at: int) -> None:
    answer = send(client, job_id, *edits)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_edit")
    assert answer.json()["errors"][0]["field"] == f"body.edits.{at}"


def test_only_finished_revisions_come_back_and_nothing_else_with_them(client: httpx.Client, job_id: str) -> None:
    def ask(**body: Any) -> tuple[int, str]:
        answer = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1, **body})
        return answer.status_code, answer.json()["code"]

    assert ask(restore=2) == (404, "revision_not_found")
    assert ask(restore=1, voices=1) == (422, "validation_error")
    assert ask(restore=1, edits=[]) == (422, "validation_error")
    assert ask(restore=1, base_revision=7) == (409, "revision_conflict")
