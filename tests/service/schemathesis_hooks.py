"""What schemathesis sends where the description asks for a recording."""

from __future__ import annotations

import schemathesis
from api_server import wav_bytes
from hypothesis import strategies

schemathesis.openapi.media_type("audio/wav", strategies.just(wav_bytes(1.0)))
schemathesis.openapi.format("binary", strategies.just(wav_bytes(1.0)))
