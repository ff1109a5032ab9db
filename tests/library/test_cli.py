"""What a person at a terminal is promised."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_networks import publish_thump_and_hiss, thump_and_hiss

from drumscribe.audio import load_audio
from drumscribe.cli import main
from drumscribe.cli.outputs import choose_names, save
from drumscribe.errors import ExportFailed, OptionError
from drumscribe.options import IngestOptions
from drumscribe.outputs import OUTPUTS, Made, parse_formats

LAX = IngestOptions(min_duration_s=0.1, silence_dbfs=-300.0)


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

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hooks = sys.excepthook, sys.unraisablehook
    yield call
    sys.excepthook, sys.unraisablehook = hooks
    for number, handler in handlers.items():
        signal.signal(number, handler)


# -------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "a", "a"], ("a", "a_2", "a_3")),
        (["a", "a", "a_2"], ("a", "a_3", "a_2")),
        (["Song", "song"], ("Song", "song_2")),
        (["e\u0301", "\u00e9"], ("e\u0301", "\u00e9_2")),
        (["", " "], ("song", "song_2")),
        (["new\nline\x00"], ("new_line_",)),
        (["\udcff"], ("\ufffd",)),
    ],
)
def test_songs_of_one_name_are_kept_apart(stems: list[str], names: tuple[str, ...]) -> None:
    assert choose_names(stems) == names


@given(st.lists(st.text(max_size=6) | st.sampled_from(["a", "A", "a_2", "a_3"]), max_size=6))
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
        out, "song", {"hits": Made({".hits.json": b"[]"}), "png": Made({"-1.png": b"1", "-2.png": b"2"}), "pdf": Made({})}, set()
    )
    assert placed == {"hits": [out / "song.hits.json"], "png": [out / "song-1.png", out / "song-2.png"], "pdf": []}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "song.hits.json": b"[]",
        "song-1.png": b"1",
        "song-2.png": b"2",
    }


def test_an_earlier_result_is_replaced(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        save(tmp_path, "song", {"hits": Made({".hits.json": content})}, set())
    assert (tmp_path / "song.hits.json").read_bytes() == b"new"


def test_a_failure_leaves_no_file_of_the_song(tmp_path: Path) -> None:
    (tmp_path / "song.pdf").mkdir()
    with pytest.raises(ExportFailed, match="is a folder"):
        save(tmp_path, "song", {"hits": Made({".hits.json": b"[]"}), "pdf": Made({".pdf": b"%PDF"})}, set())
    assert [path.name for path in tmp_path.iterdir()] == ["song.pdf"]


def test_a_file_in_the_place_of_the_folder_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportFailed, match="cannot be written to"):
        save(tmp_path / "out", "song", {"hits": Made({".hits.json": b"[]"})}, set())


def test_a_page_is_not_overwritten_by_the_picture_of_another_song(tmp_path: Path) -> None:
    taken: set[str] = set()
    save(tmp_path, "take", {"png": Made({"-1.png": b"1", "-2.png": b"2"})}, taken)
    with pytest.raises(ExportFailed, match="for another song already"):
        save(tmp_path, "Take-2", {"picture": Made({".png": b"picture"}), "hits": Made({".hits.json": b"[]"})}, taken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["take-1.png", "take-2.png"]


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
        ["--stems", "--separation", "none"],
        ["--pdf-backend", "word"],
        ["--paper", "a5"],
        ["--threads", "0"],
        ["--pdf-timeout", "0"],
        ["--max-duration", "nan"],
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


@pytest.mark.parametrize("flag", ["--stems", "--piece-stems"])
def test_stems_add_up_to_the_song(program: Program, tmp_path: Path, flag: str) -> None:
    publish_thump_and_hiss(tmp_path)
    thump_and_hiss(tmp_path / "song.wav", 6.0)
    manifest = tmp_path / "manifest.toml"
    result = program(
        "transcribe", tmp_path / "song.wav", "-o", tmp_path, "--formats", "hits", flag, "--manifest", manifest, "--json", "-q"
    )
    (song,) = json.loads(result.out)["songs"]
    pieces = ("kick", "snare", "toms", "cymbals") if flag == "--piece-stems" else ()
    assert (result.status, list(song["files"])) == (0, ["hits", "drums", "drumless", *pieces])
    sound = {name: load_audio(paths[0], options=LAX).samples for name, paths in song["files"].items() if name != "hits"}
    mix = load_audio(tmp_path / "song.wav").samples
    both = sound["drums"] + sound["drumless"]
    gain = float(np.sum(both * mix) / np.sum(mix * mix))
    assert 0.3 < gain <= 1 + 1e-6
    np.testing.assert_allclose(both, gain * mix, atol=1e-5)
    if pieces:
        np.testing.assert_allclose(np.sum([sound[name] for name in pieces], axis=0), sound["drums"], atol=1e-5)
        assert float(np.sum(sound["kick"] ** 2)) > 10 * float(np.sum(sound["toms"] ** 2))


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


# -------------------------------------------------------------------------------------------------- whole songs

CHEAP = "hits,beats,musicxml,midi"


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a song and networks that hear it."""
    folder = tmp_path_factory.mktemp("song")
    publish_thump_and_hiss(folder)
    return thump_and_hiss(folder / "song.wav")


def test_every_format_is_written_under_the_name_of_the_song(program: Program, song: Path, tmp_path: Path) -> None:
    result = program(
        "transcribe", song, "-o", tmp_path, "--manifest", song.with_name("manifest.toml"), "--formats", ",".join(OUTPUTS)
    )
    assert result.status == 0
    expected = """song.hits.json song.hits.csv song.beats.json song.musicxml song.mxl song.mid song.score.mid song.pdf song-1.svg
        song-1.png song.jams song.tab.txt song.png song.performance.json song.score.json"""
    assert result.out.split() == [str(tmp_path / name) for name in expected.split()]
    assert {path.name for path in tmp_path.iterdir()} == set(expected.split())
    assert "4 bars, 30 hits, 120 bpm" in result.err


def test_the_hits_file_is_a_list_of_times_instruments_velocities_and_confidences(
    program: Program, song: Path, tmp_path: Path
) -> None:
    program("transcribe", song, "-o", tmp_path, "--manifest", song.with_name("manifest.toml"), "--formats", "hits")
    hits = json.loads((tmp_path / "song.hits.json").read_text())
    assert [hit["instrument"] for hit in hits] == ["kick", "hihat_closed"] * 15
    assert [hit["time"] for hit in hits] == pytest.approx([0.5 + 0.25 * n for n in range(30)], abs=0.02)
    assert all(0 <= hit["velocity"] <= 1 and 0 <= hit["confidence"] <= 1 for hit in hits)


def test_the_document_tells_what_became_of_every_song(program: Program, song: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound at all")
    manifest = song.with_name("manifest.toml")
    result = program("transcribe", bad, song, song, "-o", tmp_path / "out", "--manifest", manifest, "--formats", CHEAP, "--json")
    document = json.loads(result.out)
    assert (result.status, document["exit_code"]) == (1, 1)
    failed, first, second = document["songs"]
    assert (failed["status"], failed["files"], failed["error"]["code"]) == ("failed", {}, "unreadable_audio")
    assert (first["status"], first["error"], first["hits"], first["bars"], first["bpm"]) == ("ok", None, 30, 4, 120)
    assert first["models"] == ["drums@1.0.0", "beats@1.0.0"]
    assert (first["name"], second["name"]) == ("song", "song_2")
    assert "1 of 3 songs failed:" in result.err
    written = {path.name for path in (tmp_path / "out").iterdir()}
    suffixes = ("hits.json", "beats.json", "musicxml", "mid")
    assert written == {f"{name}.{suffix}" for name in ("song", "song_2") for suffix in suffixes}


@pytest.mark.parametrize(("content", "status"), [(b"", 3), (None, 3)], ids=["empty", "missing"])
def test_failures_that_agree_give_their_own_exit_status(
    program: Program, song: Path, tmp_path: Path, content: bytes | None, status: int
) -> None:
    bad = tmp_path / "bad.wav"
    if content is not None:
        bad.write_bytes(content)
    result = program("transcribe", bad, bad, "-o", tmp_path / "out", "--manifest", song.with_name("manifest.toml"))
    assert (result.status, result.out) == (status, "")
    assert not (tmp_path / "out").exists()


def test_a_missing_engraver_is_a_warning_and_the_rest_is_written(program: Program, song: Path, tmp_path: Path) -> None:
    arguments = ["--manifest", song.with_name("manifest.toml"), "--formats", "hits,pdf", "--pdf-backend", "none", "--json"]
    result = program("transcribe", song, "-o", tmp_path, *arguments)
    (report,) = json.loads(result.out)["songs"]
    assert (result.status, report["status"], list(report["files"])) == (0, "ok", ["hits"])
    assert [warning["code"] for warning in report["warnings"]] == ["pdf_not_written"]
    assert "Warning: " in result.err


def test_quiet_leaves_nothing_on_stderr(program: Program, song: Path, tmp_path: Path) -> None:
    result = program("transcribe", song, "-q", "-o", tmp_path, "--manifest", song.with_name("manifest.toml"), "--formats", "hits")
    assert (result.status, result.err) == (0, "")


def test_overrides_reach_the_score(program: Program, song: Path, tmp_path: Path) -> None:
    overrides = ["--half", "--voices", "1", "--title", "Two & three", "--time-signature", "3/4"]
    arguments = ["--manifest", song.with_name("manifest.toml"), "--formats", "musicxml", "--json", *overrides]
    (report,) = json.loads(program("transcribe", song, "-o", tmp_path, *arguments).out)["songs"]
    assert report["bpm"] == pytest.approx(60, abs=1)
    written = (tmp_path / "song.musicxml").read_text()
    assert "Two &amp; three" in written
    assert "<beats>3</beats>" in written
    assert "<voice>2</voice>" not in written


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_part_of_a_song(song: Path, tmp_path: Path, number: int, status: int) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "drumscribe.cli",
        "transcribe",
        *[str(song)] * 200,
        "-o",
        str(out),
        "--formats",
        "hits,musicxml",
    ]
    with subprocess.Popen(
        [*command, "--manifest", str(song.with_name("manifest.toml"))], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()  # the first song is done, the second under way
        running.send_signal(number)
        rest = running.stdout.read()
    assert running.returncode == status
    assert "song_200" not in rest
    names = sorted(path.name for path in out.iterdir())
    assert len(names) % 2 == 0
    assert not [name for name in names if name.startswith(".")]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are Unicode there")
def test_a_name_that_is_no_text_is_printed_as_its_bytes(song: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(odd)).mkdir()
    manifest = os.fsencode(song.with_name("manifest.toml"))
    command = [
        sys.executable,
        "-m",
        "drumscribe.cli",
        "transcribe",
        "--manifest",
        manifest,
        "--formats",
        "hits",
        "-o",
        odd,
        str(song),
    ]
    result = subprocess.run(command, capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (0, odd + b"/song.hits.json\n")


def test_the_bar_is_drawn_on_a_terminal_and_wiped(song: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "drumscribe.cli", "transcribe", str(song), "-o", str(tmp_path), "--formats", "hits"]
    arguments = ["--manifest", str(song.with_name("manifest.toml"))]
    drawn = b""
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=terminal, text=True) as running:
        os.close(terminal)
        with contextlib.suppress(OSError):  # the other side has closed
            while part := os.read(screen, 4096):
                drawn += part
        os.close(screen)
        assert running.stdout is not None
        assert running.stdout.read() == f"{tmp_path / 'song.hits.json'}\n"
    bar, _, said = drawn.decode().rpartition("\x1b[2K")  # wipes the line
    assert "reading" in bar
    assert said == f"{song}: 4 bars, 30 hits, 120 bpm\r\n"


# -------------------------------------------------------------------------------------------------- evaluation


@pytest.fixture
def references(song: Path, tmp_path: Path) -> Path:
    """True hits and beats of the song, as text."""
    folder = tmp_path / "references"
    folder.mkdir()
    times = [0.5 + 0.25 * n for n in range(30)]
    rows = [f"{time:.3f}\t{'kick' if n % 2 == 0 else 'hihat_closed'}" for n, time in enumerate(times)]
    (folder / "song.txt").write_text("\n".join(rows) + "\n")
    (folder / "song.beats").write_text("".join(f"{time:.3f}\t{n % 4 + 1}\n" for n, time in enumerate(times[::2])))
    return folder


def test_a_recording_can_be_transcribed_and_compared_in_one_go(
    program: Program, song: Path, references: Path, tmp_path: Path
) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (recordings / "song.wav").write_bytes(song.read_bytes())
    (recordings / "noise.wav").write_text("not sound")
    arguments = ["--transcribe", "--manifest", song.with_name("manifest.toml")]
    result = program("evaluate", recordings, references, *arguments, "--json")
    means = json.loads(result.out)["means"]
    assert means["hits_f_9"] == 1.0
    assert means["beats_f_measure"] > 0.9
    assert result.status == 1
    assert "noise.wav" in result.err


def test_a_comparison_prints_tables(program: Program, song: Path, references: Path, tmp_path: Path) -> None:
    program("transcribe", song, "-o", tmp_path / "out", "--manifest", song.with_name("manifest.toml"), "--formats", CHEAP)
    result = program("evaluate", tmp_path / "out", references)
    assert (result.status, result.err) == (0, "")
    assert "hits, 9 classes, 50 ms, 1 songs" in result.out


def test_folders_without_a_common_song_are_refused(program: Program, references: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert program("evaluate", tmp_path / "empty", references).status == 3
    assert program("evaluate", tmp_path / "nowhere", references).status == 3
    assert program("evaluate", references, references, "--tolerance", "0").status == 2
