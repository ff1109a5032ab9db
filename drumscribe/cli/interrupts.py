"""Ctrl-C and termination, so that neither is lost nor leaves half a song.

Python turns a signal into an exception wherever it happens to be; inside a callback from native code (a decoder asking
for bytes) that exception is printed and forgotten. So a signal is also remembered, and `check` raises it again.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_received: list[int] = []


class Interrupted(BaseException):
    """The user, or the system, wants us to stop; not an `Exception`, so that nobody takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_status = 128 + number


def watch() -> None:
    """Let both signals raise `Interrupted`, from now on."""
    _received.clear()
    for number in _NUMBERS:
        signal.signal(number, _interrupt)
    # What native code swallows it also prints, by one hook or the other
    unraisable, uncaught = sys.unraisablehook, sys.excepthook
    sys.unraisablehook = lambda hooked: None if issubclass(hooked.exc_type, Interrupted) else unraisable(hooked)
    sys.excepthook = lambda kind, value, trace: None if issubclass(kind, Interrupted) else uncaught(kind, value, trace)


def check() -> None:
    """Raise `Interrupted` if a signal has come, even one that native code has swallowed."""
    if _received:
        raise Interrupted(_received[0])


@contextmanager
def postponed() -> Generator[None]:
    """Let a signal wait until the block is done."""
    waiting: list[int] = []
    former = {number: signal.signal(number, lambda number, _: waiting.append(number)) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        for number in waiting[:1]:
            signal.raise_signal(number)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Interrupted(number)
