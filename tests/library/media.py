"""Makes the sound files that the ingest tests read: encoded with PyAV, damaged by hand."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np

RATE = 44_100


def tone(seconds: float, rate: int = RATE, channels: int = 2, frequency: float = 440.0) -> np.ndarray:
    """Return (channels, n) float32: a sine whose level falls and rises twice a second."""
    time = np.arange(round(seconds * rate)) / rate
    wave_form = 0.4 * np.sin(2 * np.pi * frequency * time) * (0.6 + 0.4 * np.cos(4 * np.pi * time))
    return np.repeat(wave_form[None, :].astype(np.float32), channels, axis=0)


def encode(
    path: Path,
    samples: np.ndarray,
    *,
    rate: int = RATE,
    container: str,
    codec: str,
    layout: str = "stereo",
    options: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    picture: bool = False,
) -> Path:
    """Write `samples` (channels, n); with `picture` a black film of the same length runs beside them."""
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        out.metadata.update(tags or {})
        film = out.add_stream("mpeg4", rate=5) if picture else None
        if film is not None:
            film.width, film.height, film.pix_fmt = 64, 64, "yuv420p"
        sound = out.add_stream(codec, rate=rate, layout=layout)
        if film is not None:
            for index in range(round(samples.shape[1] / rate * 5)):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                frame.pts = index
                out.mux(film.encode(frame))
            out.mux(film.encode(None))
        for start in range(0, samples.shape[1], 4096):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, start : start + 4096]), format="fltp", layout=layout
            )
            frame.sample_rate, frame.pts = rate, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def film_without_sound(path: Path) -> Path:
    """Write six seconds of black."""
    with av.open(str(path), "w", format="mp4") as out:
        film = out.add_stream("mpeg4", rate=5)
        film.width, film.height, film.pix_fmt = 64, 64, "yuv420p"
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            out.mux(film.encode(frame))
        out.mux(film.encode(None))
    return path


def pcm16(samples: np.ndarray, rate: int = RATE) -> bytes:
    """Return the bytes of a plain 16-bit WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def float_wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    """Return the bytes of a WAV of 32- or 64-bit floats, as the dtype says."""
    channels, width = samples.shape[0], samples.dtype.itemsize
    body = np.ascontiguousarray(samples.T).tobytes()
    form = b"".join(
        value.to_bytes(size, "little")
        for value, size in ((3, 2), (channels, 2), (rate, 4), (rate * channels * width, 4), (channels * width, 2), (8 * width, 2))
    )
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + form + b"data" + len(body).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(body)).to_bytes(4, "little") + head + body


def with_stated_data_size(file: bytes, size: int) -> bytes:
    """Return a WAV (44-byte header) whose header claims `size` bytes of sound."""
    return file[:4] + min(size + 36, 0xFFFFFFFF).to_bytes(4, "little") + file[8:40] + size.to_bytes(4, "little") + file[44:]
