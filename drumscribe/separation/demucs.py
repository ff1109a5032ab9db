"""The drums of a mix by Hybrid Transformer Demucs (Rouard, Massa, Défossez: ICASSP 2023), the optional extra `[demucs]`.

The network hears overlapping segments, one at a time, and only its drums are kept. Each piece of the result is
finished as soon as the next segment cannot change it, so memory beyond the input and the stem does not grow with
the length of the song. With the same segments and weights the result is that of `demucs.apply.apply_model`
without its random shifts: the same input gives the same output.

torch and demucs are imported when the backend is used, never before.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from drumscribe.audio import resample
from drumscribe.errors import DependencyMissing, ModelMismatch, OptionError, WeightsCorrupt, WeightsError, WeightsNotFound
from drumscribe.options import SeparationOptions
from drumscribe.types import Audio, FloatArray, ModelRef, OnProgress, Progress, Stem, ignore_progress

#: Share of a segment that the next one hears again.
OVERLAP = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The part of a Demucs model that makes the drums, on its device."""

    members: tuple[tuple[Any, float], ...]  #: torch modules and their shares, which add up to 1
    source: int  #: which of a module's outputs is the drums
    sample_rate: int  #: Hz
    segment: int  #: samples that it hears at a time
    device: str
    precision: str  #: "float32" or "bfloat16"
    ref: ModelRef


def isolate_drums(audio: Audio, *, options: SeparationOptions, on_progress: OnProgress = ignore_progress) -> Stem:
    """Isolate the drums.

    Parameters
    ----------
    audio : Audio
        One or two channels at any rate.
    options : SeparationOptions
        Which network, from where, on which device.

    Returns
    -------
    Stem
        As many channels and as long as `audio`, at the rate of the network (44.1 kHz for all that Demucs offers).

    Raises
    ------
    DependencyMissing
        If demucs or torch is not installed.
    WeightsNotFound, WeightsCorrupt, ModelMismatch
        If there are no such weights, or they are damaged, or not those of a separator of drums.
    OptionError
        If CUDA is asked for and not there.
    """
    network = load_network(options.model, options.model_folder, _device(options.device), options.precision)
    mix = resample(audio, network.sample_rate)
    drums = _overlap_add(mix.samples, network, on_progress)
    return Stem(Audio(drums, network.sample_rate), "drums", network.ref)


@lru_cache(maxsize=1)
def load_network(model: str, model_folder: str, device: str, precision: str) -> Network:
    """Load weights through Demucs's own loader, and keep what the drums need. The last one stays loaded."""
    pretrained, package = _demucs("pretrained"), _demucs("")
    found = _read_weights(pretrained, model, model_folder)
    if "drums" not in found.sources or found.audio_channels != 2:
        raise ModelMismatch(f"The model {model!r} does not separate drums from stereo sound.", model=model)
    source = found.sources.index("drums")
    modules = list(getattr(found, "models", [found]))
    shares = [float(weights[source]) for weights in getattr(found, "weights", [[1.0] * len(found.sources)])]
    # a fine-tuned bag has one network for each source: only that of the drums is kept and run
    members = tuple(
        (module.to(device).eval(), share / sum(shares)) for module, share in zip(modules, shares, strict=True) if share
    )
    segment = min(int(module.segment * found.samplerate) for module, _ in members)
    ref = ModelRef(Path(model).stem, getattr(package, "__version__", ""))
    return Network(members, source, int(found.samplerate), segment, device, _precision(precision, device), ref)


def _demucs(module: str) -> Any:
    try:
        return importlib.import_module(f"demucs.{module}" if module else "demucs")
    except ImportError as error:
        message = "Isolating the drums needs Demucs: pip install 'drumscribe[demucs]'."
        raise DependencyMissing(message, package="demucs", cause=str(error)) from error


def _read_weights(pretrained: Any, model: str, model_folder: str) -> Any:
    """Read a file, a name from a folder, or a name that Demucs fetches."""
    path, folder = Path(model), Path(model_folder) if model_folder else None
    try:
        if path.suffix in (".th", ".safetensors"):
            if not path.is_file():
                raise WeightsNotFound(f"There are no weights at {model!r}.", model=model)
            if path.suffix == ".th":
                return _demucs("states").load_model(path)
            return _demucs("hf").load_safetensors_model(path)
        if folder is not None and not folder.is_dir():
            raise WeightsNotFound(f"There is no folder {model_folder!r} with weights.", folder=model_folder)
        with contextlib.redirect_stdout(sys.stderr):  # where it says what it downloads: stdout is for results
            return pretrained.get_model(model, repo=folder)
    except WeightsError:
        raise
    except (pretrained.ModelLoadingError, OSError, RuntimeError) as error:
        facts = {"model": model, "folder": model_folder, "cause": str(error)}
        if "checksum" in str(error) or "invalid hash" in str(error):
            raise WeightsCorrupt(f"The weights of {model!r} are damaged.", **facts) from error
        if isinstance(error, (pretrained.ModelLoadingError, OSError)):
            where = f"found in {model_folder!r}" if model_folder else "found or fetched"
            raise WeightsNotFound(f"The weights of {model!r} could not be {where}.", **facts) from error
        raise WeightsCorrupt(f"The weights of {model!r} cannot be read.", **facts) from error
    except (Exception, SystemExit) as error:  # unpickling raises anything, and Demucs ends the process where a package is missing
        raise WeightsCorrupt(f"The weights of {model!r} cannot be read.", model=model, cause=repr(error)) from error


def _device(asked: str) -> str:
    _demucs("")
    torch = importlib.import_module("torch")
    has_cuda = bool(torch.cuda.is_available())
    if asked == "cuda" and not has_cuda:
        raise OptionError("CUDA was asked for, but torch finds no such device here.", device=asked)
    return "cuda" if asked != "cpu" and has_cuda else "cpu"


def _precision(asked: str, device: str) -> str:
    """Take bfloat16 only where it is in hardware: elsewhere it is emulated, and slower. It costs 49 dB SNR of the stem."""
    if asked != "auto":
        return asked
    torch = importlib.import_module("torch")
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else "float32"


def _overlap_add(samples: FloatArray, network: Network, on_progress: OnProgress) -> FloatArray:
    """Run the network over overlapping segments and cross-fade what it gives (triangular weights)."""
    channels, length = samples.shape
    drums = np.zeros((channels, length), dtype=np.float32)
    mean, deviation = _statistics(samples) if length else (0.0, 0.0)
    if deviation == 0.0:
        return drums
    segment = network.segment
    hop = int((1 - OVERLAP) * segment)
    rise = np.arange(1, segment // 2 + 1, dtype=np.float32)
    weights = np.concatenate([rise, np.arange(segment - segment // 2, 0, -1, dtype=np.float32)]) / np.float32(
        segment - segment // 2
    )
    pending = np.zeros((channels, segment), dtype=np.float32)  # weighted sum from `start` on
    share = np.zeros(segment, dtype=np.float32)  # sum of the weights behind it
    for start in range(0, length, hop):
        on_progress(Progress("separate", start / length))
        count = min(segment, length - start)
        window = _window(samples, start, count, segment, mean, deviation)
        pending[:, :count] += weights[:count] * (_separate(window, network, count) * np.float32(deviation) + np.float32(mean))
        share[:count] += weights[:count]
        done = min(hop, length - start) if start + hop < length else count
        drums[:, start : start + done] = pending[:, :done] / share[:done]
        pending = np.concatenate([pending[:, hop:], np.zeros((channels, hop), np.float32)], axis=1)
        share = np.concatenate([share[hop:], np.zeros(hop, np.float32)])
    return drums


def _statistics(samples: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation of the mono mix, by which Demucs scales its input."""
    mono_mean = float(samples.mean(dtype=np.float64))
    total, block_size = 0.0, 1 << 15
    for start in range(0, samples.shape[1], block_size):
        block = samples[:, start : start + block_size].mean(axis=0, dtype=np.float64) - mono_mean
        total += float(block @ block)
    return mono_mean, float(np.sqrt(total / max(samples.shape[1] - 1, 1)))


def _window(samples: FloatArray, start: int, count: int, size: int, mean: float, deviation: float) -> FloatArray:
    """Cut `count` samples from `start`, in the middle of `size`, and scale them: what lies around is real where there is any."""
    first = start - (size - count) // 2
    left, right = max(first, 0), min(first + size, samples.shape[1])
    scaled = (samples[:, left:right] - np.float32(mean)) / np.float32(deviation)
    return np.pad(scaled, ((0, 0), (left - first, first + size - right)))


def _separate(window: FloatArray, network: Network, count: int) -> FloatArray:
    """Run the networks on one window (channels, segment); the middle `count` samples of the drums come back."""
    torch = importlib.import_module("torch")
    stereo = window if window.shape[0] == 2 else np.repeat(window, 2, axis=0)
    mix = torch.from_numpy(stereo)[None].to(network.device)
    drums = np.zeros((2, count), dtype=np.float32)
    with torch.inference_mode(), torch.autocast(network.device, torch.bfloat16, enabled=network.precision == "bfloat16"):
        for module, weight in network.members:
            estimate = module(mix)[0, network.source].float().cpu().numpy()
            first = (estimate.shape[-1] - count) // 2
            drums += np.float32(weight) * estimate[:, first : first + count]
    return drums if window.shape[0] == 2 else drums.mean(axis=0, keepdims=True)
