"""API keys: how they look and what is kept of them.

A key holds 256 random bits, so its plain SHA-256 can be kept: nobody guesses what it was made from, and looking it up by
its hash tells nothing about any key by how long it takes.
"""

from __future__ import annotations

import hashlib
import secrets
import string

PREFIX = "ds_live_"
_ALPHABET = string.digits + string.ascii_letters
#: Base 62 digits that hold 32 bytes.
_DIGITS = 43
#: How much of a key is kept to recognise it by.
SHOWN = len(PREFIX) + 6


def new_key() -> str:
    """Make a key. It is shown once."""
    return PREFIX + new_secret()


def new_secret() -> str:
    """256 random bits as 43 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_DIGITS))


def fingerprint(secret: str) -> str:
    """What is kept of a key or refresh token."""
    return hashlib.sha256(secret.encode()).hexdigest()
