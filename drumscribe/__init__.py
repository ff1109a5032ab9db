"""DrumScribe turns a song into drum sheet music.

    from drumscribe import transcribe
    t = transcribe("song.mp3")
    t.hits, t.score, t.to_musicxml()

Importing this package loads nothing: each public name is fetched when first used (PEP 562).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drumscribe.audio import load_audio as load_audio
    from drumscribe.errors import DrumScribeError as DrumScribeError
    from drumscribe.options import Options as Options
    from drumscribe.pipeline import Transcription as Transcription
    from drumscribe.pipeline import engrave as engrave
    from drumscribe.pipeline import listen as listen
    from drumscribe.pipeline import transcribe as transcribe
    from drumscribe.types import Audio as Audio
    from drumscribe.types import BeatGrid as BeatGrid
    from drumscribe.types import Drum as Drum
    from drumscribe.types import Hit as Hit
    from drumscribe.types import Performance as Performance
    from drumscribe.types import Score as Score
    from drumscribe.weights import load_models as load_models
    from drumscribe.youtube import download_youtube_audio as download_youtube_audio

# onnxruntime gives the machine an identity and reports to its makers, unless it is told not to before it is loaded
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "transcribe": "pipeline",
    "listen": "pipeline",
    "engrave": "pipeline",
    "Transcription": "pipeline",
    "load_models": "weights",
    "load_audio": "audio",
    "download_youtube_audio": "youtube",
    "Options": "options",
    "DrumScribeError": "errors",
    "Audio": "types",
    "BeatGrid": "types",
    "Drum": "types",
    "Hit": "types",
    "Performance": "types",
    "Score": "types",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"drumscribe.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'drumscribe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOMES)
