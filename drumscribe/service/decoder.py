"""Decodes a file of unknown origin in a process of its own, so that nothing in it can bring down or fill up a worker.

The child may take so much memory and time and no more, and dies with its parent. It leaves the sound behind as a plain FLAC
file, which is what everything afterwards reads: the original is decoded once.

    decode_apart(path, out)     in the worker
    main()                      in the child, `python -m drumscribe.service.decoder`: JSON comes in, JSON goes out
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drumscribe import errors
from drumscribe.errors import DrumScribeError, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.service import errors as service_errors
from drumscribe.service.errors import StepCrashed, StorageFull

#: Memory of the child beyond the samples themselves: program, libraries, buffers.
_PROGRAM_BYTES = 1_500_000_000
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is known of a sound once it is decoded."""

    duration_seconds: float
    sample_rate: int  #: Hz, of the sound as it travels on
    title: str  #: by the file's own word


def decode_apart(path: Path, out: Path, *, options: IngestOptions, timeout_s: float, check: Callable[[], None]) -> Decoded:
    """Decode and check a file; its sound is then at `out`, as 24-bit FLAC. Sound beyond full scale is made softer as a whole.

    Parameters
    ----------
    check : callable
        Asked while the child works; what it raises ends the child.

    Raises
    ------
    InputError
        As `drumscribe.audio.load_audio`. A file on which the decoder crashes, or works for longer than `timeout_s`, or for
        which it wants too much memory, is `UnreadableAudio`.
    StorageFull
        If there is no room for `out`.
    StepCrashed
        If somebody else killed the child.
    """
    order = {"path": str(path), "out": str(out), "options": asdict(options)}
    # -P: the current folder is no place to import modules from
    command = [sys.executable, "-P", "-m", "drumscribe.service.decoder"]
    started = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        question: bytes | None = json.dumps(order).encode()
        try:
            while True:
                try:
                    answer, _ = child.communicate(question, timeout=_LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    question = None
                check()
                if time.monotonic() - started > timeout_s:
                    raise UnreadableAudio(f"{path.name} could not be decoded within {timeout_s:.0f} s.", timeout_s=timeout_s)
        finally:
            child.kill()
    return _read(answer, child.returncode, path)


def _read(answer: bytes, status: int, path: Path) -> Decoded:
    if status == 0:
        document: dict[str, Any] = json.loads(answer)
        if "decoded" in document:
            return Decoded(**document["decoded"])
        kind: type[DrumScribeError] = getattr(errors, document["kind"], None) or getattr(service_errors, document["kind"])
        raise kind(document["message"], **document["facts"])
    if status == -signal.SIGKILL:  # not ours: the system was short of memory, or an operator
        raise StepCrashed("The process that decodes the file was killed.", status=status)
    raise UnreadableAudio(f"{path.name} is damaged: the decoder failed on it.", status=status)


def main() -> None:
    """Do what stdin says."""
    order = json.load(sys.stdin)
    from drumscribe.service.lifeline import die_with_parent

    die_with_parent()
    options = IngestOptions(**order["options"])
    _limit(options)
    try:
        answer: dict[str, Any] = {"decoded": asdict(_decode(Path(order["path"]), Path(order["out"]), options))}
    except DrumScribeError as error:
        facts = {name: value for name, value in error.facts.items() if name != "path"}
        answer = {"kind": type(error).__name__, "message": error.message, "facts": facts}
    except MemoryError:
        answer = {"kind": "UnreadableAudio", "message": "The file takes more memory than is allowed to be decoded.", "facts": {}}
    json.dump(answer, sys.stdout)


def _decode(path: Path, out: Path, options: IngestOptions) -> Decoded:
    from drumscribe.audio import load_audio, probe, save_lossless, validate_audio_signal

    audio = load_audio(path, options=options)
    facts = validate_audio_signal(audio, options=options)
    peak = max(float(audio.samples.max()), -float(audio.samples.min()))
    try:
        save_lossless(audio, out, gain=1.0 / max(1.0, peak))
    except OSError as error:
        raise StorageFull("There is no room to work in.", reason=str(error)) from error
    return Decoded(facts["duration_seconds"], facts["sample_rate"], probe(path).title)


def _limit(options: IngestOptions) -> None:
    import resource

    from drumscribe.decoding import SAMPLE_RATE

    samples = int((options.max_duration_s + 2) * SAMPLE_RATE) * 2 * 4
    most = _PROGRAM_BYTES + 3 * samples
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
