"""Passwords: Argon2id, with parameters that may grow later.

Unknown accounts cost as much time as wrong passwords. Few hashes are computed at once: each takes 19 MiB, and a storm of
logins must not take the memory of the whole API.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

#: OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_AT_ONCE = threading.BoundedSemaphore(4)

SHORTEST = 10
LONGEST = 200


def hash_password(password: str) -> str:
    """Hash with a fresh salt."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether a password belongs to a hash. Takes as long without a hash, and is then false."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(password_hash or _nobodys(), _normal(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    # Keyboards differ in how they write one and the same letter
    return unicodedata.normalize("NFC", password)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
