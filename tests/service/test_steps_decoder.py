"""Decoding in a process of its own: whatever a file does to it, the worker gets a typed error."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from servers import wait_until
from songs import DEMO

from drumscribe.audio import load_audio
from drumscribe.errors import AudioTooLong, Cancelled, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.service.decoder import decode_apart
from drumscribe.service.errors import StepCrashed, StorageFull

OPTIONS = IngestOptions()


def go_on() -> None:
    """Nothing stops the work."""


def child() -> psutil.Process:
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [c for c in psutil.Process().children() if "drumscribe.service.decoder" in c.cmdline()]
        return bool(found)

    wait_until(is_there, seconds=10, what="the decoder runs")
    return found[0]


def test_the_sound_comes_out_as_it_was_decoded(tmp_path: Path) -> None:
    out = tmp_path / "audio.flac"
    decoded = decode_apart(DEMO, out, options=OPTIONS, timeout_s=60, check=go_on)
    assert (decoded.duration_seconds, decoded.sample_rate) == (30.0, 44_100)
    assert (load_audio(out).samples == load_audio(DEMO).samples).all()


def test_a_typed_error_keeps_its_kind_its_sentence_and_its_facts(tmp_path: Path) -> None:
    limits = IngestOptions(max_duration_s=10.0)
    with pytest.raises(AudioTooLong, match=r"demo\.flac' lasts") as caught:
        decode_apart(DEMO, tmp_path / "audio.flac", options=limits, timeout_s=60, check=go_on)
    assert caught.value.facts["maximum"] == 10.0


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGSEGV, UnreadableAudio), (signal.SIGABRT, UnreadableAudio), (signal.SIGKILL, StepCrashed)]
)
def test_a_decoder_that_crashes_is_the_files_fault_unless_someone_killed_it(
    tmp_path: Path, number: signal.Signals, error: type[Exception]
) -> None:
    def strike() -> None:
        os.kill(child().pid, number)  # it has only just begun to load its libraries

    striker = threading.Thread(target=strike)
    striker.start()
    with pytest.raises(error):
        decode_apart(DEMO, tmp_path / "audio.flac", options=OPTIONS, timeout_s=60, check=go_on)
    striker.join()


def test_a_decoder_that_never_ends_is_ended(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(UnreadableAudio, match=r"could not be decoded within 0 s"):
        decode_apart(DEMO, tmp_path / "audio.flac", options=OPTIONS, timeout_s=0.1, check=go_on)
    assert time.monotonic() - started < 5


def test_a_job_that_is_cancelled_ends_the_decoder(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        decode_apart(DEMO, tmp_path / "audio.flac", options=OPTIONS, timeout_s=60, check=stop)
    assert not [c for c in psutil.Process().children() if "drumscribe.service.decoder" in c.cmdline()]


def test_no_room_for_the_sound_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(StorageFull) as caught:
        decode_apart(DEMO, Path("/dev/full") / "audio.flac", options=OPTIONS, timeout_s=60, check=go_on)
    assert caught.value.retryable
