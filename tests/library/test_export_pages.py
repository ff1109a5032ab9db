from __future__ import annotations

import io
import os
import re
import stat
import tempfile
import time
from pathlib import Path

import pytest
from PIL import Image
from written_scores import bar, rich_score

from drumscribe.errors import EngraverMissing, ExportFailed, OptionError
from drumscribe.export import write_pdf, write_pdf_with_fallback, write_png_pages, write_svg_pages
from drumscribe.export.pages import find_engraver
from drumscribe.options import PdfOptions
from drumscribe.types import Score, TempoMark

BACKENDS = ("lilypond", "verovio", "musescore")


@pytest.fixture(params=BACKENDS)
def options(request) -> PdfOptions:
    options = PdfOptions(backend=request.param)
    try:
        find_engraver(options)
    except EngraverMissing as error:
        pytest.skip(str(error))
    return options


@pytest.fixture
def workshop(tmp_path, monkeypatch) -> Path:
    """Where temporary folders are made, so that a test can see them go."""
    folder = tmp_path / "workshop"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _program(folder: Path, script: str) -> str:
    path = folder / "engraver"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _ink(png: bytes) -> float:
    """Share of dark pixels."""
    picture = Image.open(io.BytesIO(png))
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture.convert("RGBA"))
    histogram = page.convert("L").histogram()
    return sum(histogram[:128]) / sum(histogram)


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_each_backend_writes_a_pdf_with_pages(options, workshop):
    pdf = write_pdf(rich_score(), options)
    assert pdf.startswith(b"%PDF-")
    assert _pages(pdf) == 1
    assert list(workshop.iterdir()) == []


def test_each_backend_writes_pages_that_are_not_blank(options, workshop):
    pages = write_png_pages(rich_score(), options, dpi=60)
    assert len(pages) == 1
    assert 0.005 < _ink(pages[0]) < 0.2
    assert list(workshop.iterdir()) == []


def test_each_backend_writes_svg(options):
    [page] = write_svg_pages(rich_score(), options)
    assert b"<svg" in page[:600]


@pytest.mark.parametrize("backend", ["lilypond", "verovio"])
def test_the_same_score_gives_the_same_pdf(backend):
    options = PdfOptions(backend=backend)
    first = write_pdf(rich_score(), options)
    time.sleep(1.1)  # a date inside would differ now
    assert write_pdf(rich_score(), options) == first


def test_a_long_song_takes_several_pages():
    score = Score(tuple(bar(i + 1, "h:8 h:8 hs:8 h:8 h:8 h:8 hs:8 h:8", "k:2 k:2") for i in range(80)), (TempoMark(0, 100.0),))
    pdf = write_pdf(score, PdfOptions(backend="verovio"))
    assert _pages(pdf) == len(write_png_pages(score, PdfOptions(backend="verovio"), dpi=30)) == 2


@pytest.mark.parametrize(("paper", "ratio"), [("a4", 297 / 210), ("letter", 11 / 8.5)])
@pytest.mark.parametrize("backend", ["lilypond", "verovio"])
def test_paper_has_the_size_that_was_asked_for(backend, paper, ratio):
    [page] = write_png_pages(Score(), PdfOptions(backend=backend, paper=paper), dpi=60)
    width, height = Image.open(io.BytesIO(page)).size
    assert height / width == pytest.approx(ratio, rel=0.01)


@pytest.mark.parametrize("dpi", [0, 29, 601])
def test_a_resolution_out_of_range_is_refused(dpi):
    with pytest.raises(OptionError, match="resolution"):
        write_png_pages(rich_score(), dpi=dpi)


def test_a_program_that_does_not_exist_is_missing(workshop):
    with pytest.raises(EngraverMissing, match="could not be started"):
        write_pdf(rich_score(), PdfOptions(lilypond_bin="/nowhere/lilypond"))
    assert list(workshop.iterdir()) == []


def test_a_program_that_fails_is_reported_in_its_own_words(tmp_path, workshop):
    program = _program(tmp_path, "echo 'fatal: out of ink' >&2; exit 1")
    with pytest.raises(ExportFailed, match="status 1: fatal: out of ink"):
        write_pdf(rich_score(), PdfOptions(lilypond_bin=program))
    assert list(workshop.iterdir()) == []


def test_a_program_that_writes_nothing_is_a_failure(tmp_path):
    with pytest.raises(ExportFailed, match="wrote no pdf"):
        write_pdf(rich_score(), PdfOptions(lilypond_bin=_program(tmp_path, "exit 0")))


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path, workshop):
    notes = tmp_path / "child"
    program = _program(tmp_path, f"sleep 300 & echo $! > {notes}; wait")
    with pytest.raises(ExportFailed, match="longer than 2 s"):
        write_pdf(rich_score(), PdfOptions(lilypond_bin=program, timeout_s=2))
    child = int(notes.read_text())
    for _ in range(200):
        if _is_gone(child):
            break
        time.sleep(0.05)
    assert _is_gone(child)
    assert list(workshop.iterdir()) == []


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    # nobody may be there to collect it: then it is a zombie, which runs no more
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_no_pdf_is_written_when_pages_are_switched_off():
    with pytest.raises(ExportFailed, match="switched off"):
        write_pdf(rich_score(), PdfOptions(backend="none"))
    assert write_pdf_with_fallback(rich_score(), PdfOptions(backend="none")) == (None, "none", ())


def test_the_backend_asked_for_is_used_without_a_word():
    pdf, backend, warnings = write_pdf_with_fallback(rich_score(), PdfOptions(backend="verovio"))
    assert pdf is not None
    assert _pages(pdf) == 1
    assert (backend, warnings) == ("verovio", ())


def test_falling_back_is_never_silent():
    pdf, backend, warnings = write_pdf_with_fallback(rich_score(), PdfOptions(lilypond_bin="/nowhere/lilypond"))
    assert pdf is not None
    assert backend == "verovio"
    assert "could not be started" in warnings[0]
    assert warnings[-1] == "The PDF was engraved by verovio instead of lilypond."
