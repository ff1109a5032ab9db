"""Uploads that somebody has tampered with: recordings damaged by a seeded die, and forms likewise.

The same seed and number always give the same bytes. Nothing here talks to anybody.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from damaged_recordings import DAMAGES, FORMATS, make_recordings
from odd_forms import FRAMINGS, ODDITIES, Draft

#: How many of the recordings are long.
LONG_SHARE = 0.06


@dataclass(frozen=True)
class Upload:
    """One request for `POST /jobs`."""

    number: int
    what: tuple[str, ...]  #: what was done to it
    headers: dict[str, str]
    body: bytes
    is_chunked: bool = False  #: in blocks of unstated number, instead of with a Content-Length
    sent: int | None = None  #: the sender hangs up after so many bytes


class Mutator:
    """Makes uploads. What the die shows depends on the seed and the number alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._recordings = make_recordings()

    def upload(self, number: int) -> Upload:
        """Make one."""
        die = random.Random(f"{self._seed}:{number}")
        name = die.choice(list(FORMATS))
        length = "long" if die.random() < LONG_SHARE else "short"
        draft = Draft(self._recordings[name, length], f"song.{name}".encode())
        what = [f"{name} {length}"]
        chance = die.random()
        if chance < 0.55:
            for _ in range(die.choice((1, 1, 1, 2, 3))):
                damage = die.choice(DAMAGES)
                draft.data = damage(draft.data, die)
                what.append(damage.__name__.strip("_"))
            if die.random() < 0.08:
                draft.data = self._mixed(draft.data, die)
                what.append("mixed")
        if 0.45 < chance < 0.75:
            for _ in range(die.choice((1, 1, 2))):
                oddity = die.choice(ODDITIES)
                oddity(draft, die)
                what.append(oddity.__name__.strip("_"))
        headers = {"Content-Type": f"multipart/form-data; boundary={draft.boundary.decode()}"}
        body = draft.assemble()
        if chance >= 0.73:
            framing = die.choice(FRAMINGS)
            body = framing(body, headers, die)
            what.append(framing.__name__.strip("_"))
        is_chunked = die.random() < 0.1
        sent = die.randrange(len(body)) if body and not is_chunked and die.random() < 0.03 else None
        return Upload(number, tuple(what), headers, body, is_chunked, sent)

    def _mixed(self, data: bytes, die: random.Random) -> bytes:
        """With another recording before it, behind it, or in its place from the middle on."""
        other = self._recordings[die.choice(list(FORMATS)), "short"]
        cut = die.randrange(1, 4096)
        return die.choice((data + other, other + data, data[:cut] + other, data[:cut] + other[cut:], data + data))
