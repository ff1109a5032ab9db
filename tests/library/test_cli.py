"""What a person at a terminal is promised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumscribe.cli import main
from drumscribe.cli.outputs import Made, choose_names, parse_formats, save
from drumscribe.errors import ExportFailed, OptionError


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real program in a process of its own."""
    command = [sys.executable, "-m", "drumscribe.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


Program = Callable[..., Outcome]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    """The same program in this process, which takes a tenth of the time."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["drumscribe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Outcome(int(left.value.code or 0), captured.out, captured.err)

    handler = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, handler)


# -------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "a", "a"], ("a", "a-2", "a-3")),
        (["a", "a", "a-2"], ("a", "a-3", "a-2")),
        (["Song", "song"], ("Song", "song-2")),
        (["e\u0301", "\u00e9"], ("e\u0301", "\u00e9-2")),
        (["", " "], ("song", "song-2")),
        (["new\nline\x00"], ("new_line_",)),
        (["\udcff"], ("\ufffd",)),
    ],
)
def test_songs_of_one_name_are_kept_apart(stems: list[str], names: tuple[str, ...]) -> None:
    assert choose_names(stems) == names


@given(st.lists(st.text(max_size=6) | st.sampled_from(["a", "A", "a-2", "a-3"]), max_size=6))
def test_no_two_songs_of_a_call_share_a_file_name(stems: list[str]) -> None:
    names = choose_names(stems)
    assert len(names) == len(stems)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name and "/" not in name and len(name.encode()) < 220 for name in names)


def test_a_very_long_name_leaves_room_for_the_suffix() -> None:
    (name,) = choose_names(["\u00fc" * 125])
    assert len(f"{name}.performance.json".encode()) <= 255


def test_formats_come_in_their_order_and_once() -> None:
    assert parse_formats("pdf, hits,PDF") == ("hits", "pdf")


@pytest.mark.parametrize("text", ["", ",", "hits,wav"])
def test_an_unknown_format_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(OptionError, match="Formats are: hits, csv"):
        parse_formats(text)


# -------------------------------------------------------------------------------------------------- files


def test_files_appear_complete_and_leave_nothing_beside(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    placed = save(
        out, "song", {"hits": Made({".hits.json": b"[]"}), "png": Made({"-1.png": b"1", "-2.png": b"2"}), "pdf": Made({})}
    )
    assert placed == {"hits": [out / "song.hits.json"], "png": [out / "song-1.png", out / "song-2.png"], "pdf": []}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "song.hits.json": b"[]",
        "song-1.png": b"1",
        "song-2.png": b"2",
    }


def test_an_earlier_result_is_replaced(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        save(tmp_path, "song", {"hits": Made({".hits.json": content})})
    assert (tmp_path / "song.hits.json").read_bytes() == b"new"


def test_a_failure_leaves_no_file_of_the_song(tmp_path: Path) -> None:
    (tmp_path / "song.pdf").mkdir()
    with pytest.raises(ExportFailed, match="is a folder"):
        save(tmp_path, "song", {"hits": Made({".hits.json": b"[]"}), "pdf": Made({".pdf": b"%PDF"})})
    assert [path.name for path in tmp_path.iterdir()] == ["song.pdf"]


def test_a_file_in_the_place_of_the_folder_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportFailed, match="cannot be written to"):
        save(tmp_path / "out", "song", {"hits": Made({".hits.json": b"[]"})})


# -------------------------------------------------------------------------------------------------- the program


def test_help_lists_the_commands(program: Program) -> None:
    result = program("--help")
    assert result.status == 0
    for command in ("transcribe", "evaluate", "train", "models"):
        assert f"  {command} " in result.out


def test_the_version_is_the_package_version() -> None:
    from importlib.metadata import version

    result = run("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"drumscribe {version('drumscribe')}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bpm", "20"],
        ["--bpm", "fast"],
        ["--half", "--double"],
        ["--voices", "3"],
        ["--formats", "wav"],
        ["--time-signature", "4"],
        ["--downbeat", "99"],
        ["--sensitivity", "9"],
        ["--separation", "magic"],
        ["--pdf-backend", "word"],
        ["--paper", "a5"],
        ["--threads", "0"],
        ["--pdf-timeout", "0"],
        ["--title", "One", "second.wav"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_exit_status_2_and_one_sentence(program: Program, tmp_path: Path, arguments: list[str]) -> None:
    result = program("transcribe", tmp_path / "song.wav", "-o", tmp_path / "out", *arguments)
    assert (result.status, result.out) == (2, "")
    assert "Error: " in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "out").exists()


def test_without_a_song_it_says_so(program: Program) -> None:
    result = program("transcribe")
    assert result.status == 2
    assert "SONG" in result.err


def test_models_list_prints_one_document_or_a_table(program: Program) -> None:
    document = json.loads(program("models", "list", "--json").out)
    table = program("models", "list").out.splitlines()
    assert [row["model"] for row in document["models"]] == [line.split()[0] for line in table]


def test_models_verify_finds_the_shipped_networks_whole(program: Program) -> None:
    result = program("models", "verify", "--json")
    assert result.status == 0
    assert all(row["status"] == "ok" for row in json.loads(result.out)["models"])


def test_an_unknown_model_is_exit_status_6(program: Program, tmp_path: Path) -> None:
    for arguments in (["models", "pull", "nonsense"], ["transcribe", "song.wav", "--model", "nonsense"]):
        result = program(*arguments, "--cache-dir", tmp_path)
        assert (result.status, result.out) == (6, "")
        assert "There is no model 'nonsense'" in result.err


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    shell = f"'{sys.executable}' -m drumscribe.cli models list | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
