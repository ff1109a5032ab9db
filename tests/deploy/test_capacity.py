"""docs/scaling.md says what scripts/capacity.py reckons, from what was measured and from how production scales."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import capacity  # noqa: E402


def test_the_page_has_the_tables_of_now() -> None:
    page = capacity.PAGE.read_text("utf-8")
    assert capacity.filled(page) == page, "run scripts/capacity.py and look at the difference"


def test_a_table_that_was_touched_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "BLOCKS", {"money": capacity.money_table})
    page = capacity.PAGE.read_text("utf-8")
    touched = page.replace("| S3 | 0", "| S3 | 9")
    assert touched != page
    assert capacity.filled(touched) == capacity.filled(page) == page
    with pytest.raises(SystemExit, match="no place for the table 'money'"):
        capacity.filled("# Scaling\n")


def test_a_song_takes_what_was_measured_and_more_if_it_is_longer() -> None:
    found = capacity.SONGS_MEASURED["180"]
    steps = capacity.steps_of(180)
    for queue, worker in {capacity.DEFAULT: "default", capacity.HEAVY: "heavy"}.items():
        assert sum(seconds for name, seconds in steps if name == queue) == pytest.approx(found["cpu_s"][worker])
    assert [queue for queue, _ in steps] == [capacity.DEFAULT, capacity.HEAVY, capacity.HEAVY, capacity.DEFAULT]
    totals = [sum(seconds for _, seconds in capacity.steps_of(length)) for length in (30, 60, 200, 500, 900)]
    assert totals == sorted(totals)
    separated = sum(seconds for _, seconds in capacity.steps_of(180, demucs=True))
    assert separated > 5 * sum(seconds for _, seconds in steps)


def test_production_is_scaled_as_its_manifest_says() -> None:
    scalers = capacity.scalers()
    assert set(scalers) == {capacity.DEFAULT, capacity.HEAVY}
    page = capacity.PAGE.read_text("utf-8")
    targets = f"{scalers[capacity.DEFAULT].target:g} and {scalers[capacity.HEAVY].target:g}"
    assert f"production has {targets}" in page
    [row] = [line for line in page.splitlines() if line.startswith(f"| {targets.replace(' and ', ' / ')} |")]
    largest = next(line for line in page.splitlines() if line.startswith("| 100,000 | 1,000,000 |"))
    assert row.split("|")[2:5] == largest.split("|")[8:11], "both tables tell of the same simulation"
