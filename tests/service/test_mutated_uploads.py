"""Tampered uploads against the real product: none breaks it, every accepted job ends, nothing is left over.

A small part of what `make mutate` sends; the same numbers are the same uploads.
"""

from __future__ import annotations

from pathlib import Path

from hostile_run import HostileRun
from mutations import Mutator

COUNT = 140


def test_tampered_uploads_never_break_the_product(tmp_path: Path) -> None:
    found = HostileRun(tmp_path / "run", seed=2).run(range(COUNT), warm_up=50)
    assert found.wrong == []
    assert sum(found.answers.values()) == COUNT
    statuses = {status for status, _ in found.answers}
    assert {"202", "400", "415", "422"} <= statuses, "the die shows every side"
    assert {status for status, _ in found.ends} == {"completed", "failed"}
    assert found.slowest_answer_s < 20


def test_the_same_seed_makes_the_same_uploads() -> None:
    one, again = Mutator(7), Mutator(7)
    uploads = [one.upload(number) for number in range(40)]
    assert uploads == [again.upload(number) for number in reversed(range(40))][::-1]
    assert len({upload.body for upload in uploads}) > 30
