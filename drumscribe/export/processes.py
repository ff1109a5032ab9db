"""Runs an engraver as a separate program, and ends it with all its children when it takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from drumscribe.errors import EngraverMissing, ExportFailed


def run_engraver(
    command: Sequence[str], *, folder: Path, timeout_s: float, backend: str, environment: Mapping[str, str] | None = None
) -> None:
    """Run `command` in `folder` until it ends.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell is involved.
    environment : mapping, optional
        Variables set on top of the inherited ones.

    Raises
    ------
    EngraverMissing
        If the program does not exist or cannot be started.
    ExportFailed
        If it takes longer than `timeout_s` (its whole process group is killed) or ends with an error.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        message = f"{command[0]} could not be started: {error.strerror or error}."
        raise EngraverMissing(message, backend=backend) from error
    try:
        _, complaints = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise ExportFailed(f"{command[0]} took longer than {timeout_s:g} s.", backend=backend, timeout_s=timeout_s) from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        lines = complaints.decode(errors="replace").strip().splitlines()
        reason = f": {' '.join(lines[-3:])[:300]}" if lines else "."
        raise ExportFailed(f"{command[0]} ended with status {process.returncode}{reason}", backend=backend)
