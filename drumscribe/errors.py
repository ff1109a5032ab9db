"""Every error that DrumScribe raises on purpose.

    DrumScribeError
    ├── InputError                      the file or link cannot be used
    │   ├── FileNotReadable             missing, a directory, no permission
    │   ├── UnreadableAudio             not audio, truncated beyond use, empty
    │   ├── AudioTooShort  AudioTooLong  SampleRateTooLow  SilentAudio  NonFiniteAudio
    │   ├── UnsupportedUrl  ForbiddenAddress
    │   └── DownloadFailed
    ├── OptionError                     an option outside its range
    ├── EditError                       a correction that does not fit the score
    ├── ExportFailed  EngraverMissing   one output could not be written
    ├── WeightsError
    │   ├── WeightsNotFound  WeightsCorrupt  ModelMismatch
    ├── DependencyMissing               an optional extra is not installed
    └── Cancelled

Each class carries a stable `code` (the contract of the API), an `exit_code` for the command
line, whether a retry can help (`retryable`), and is raised with one sentence for a person.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DrumScribeError(Exception):
    """Root of the tree; `facts` holds the values behind the sentence."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InputError(DrumScribeError):
    """The input cannot be transcribed."""

    code = "invalid_input"
    exit_code = 3


class FileNotReadable(InputError):
    """The path does not lead to a readable file."""

    code = "file_not_readable"


class UnreadableAudio(InputError):
    """The bytes are not audio that can be decoded."""

    code = "unreadable_audio"


class AudioTooShort(InputError):
    """Shorter than the minimum duration."""

    code = "audio_too_short"


class AudioTooLong(InputError):
    """Longer than the maximum duration."""

    code = "audio_too_long"


class SampleRateTooLow(InputError):
    """Sampled below the minimum rate."""

    code = "sample_rate_too_low"


class SilentAudio(InputError):
    """Nothing can be heard in it."""

    code = "silent_audio"


class NonFiniteAudio(InputError):
    """The samples hold NaN or infinity."""

    code = "non_finite_audio"


class UnsupportedUrl(InputError):
    """Not a link that DrumScribe can fetch."""

    code = "unsupported_url"


class ForbiddenAddress(InputError):
    """The link leads to a private, loopback or otherwise reserved address."""

    code = "forbidden_address"


class DownloadFailed(InputError):
    """The site refused, timed out or changed."""

    code = "download_failed"
    exit_code = 4
    retryable = True


class OptionError(DrumScribeError):
    """An option lies outside its range."""

    code = "invalid_option"
    exit_code = 2


class EditError(DrumScribeError):
    """A correction names a stroke, bar or place that is not there; `index` says which of them it is."""

    code = "invalid_edit"
    exit_code = 2


class ExportFailed(DrumScribeError):
    """One output format could not be written."""

    code = "export_failed"
    exit_code = 5


class EngraverMissing(ExportFailed):
    """The chosen PDF engine is not installed."""

    code = "engraver_missing"


class WeightsError(DrumScribeError):
    """A model cannot be used."""

    code = "weights_error"
    exit_code = 6


class WeightsNotFound(WeightsError):
    """No such model here, or it could not be fetched."""

    code = "weights_not_found"


class WeightsCorrupt(WeightsError):
    """The file's hash is not the one promised."""

    code = "weights_corrupt"


class ModelMismatch(WeightsError):
    """The model does not fit the stage that loads it."""

    code = "model_mismatch"


class DependencyMissing(DrumScribeError):
    """An optional extra is needed and not installed."""

    code = "dependency_missing"
    exit_code = 7


class Cancelled(DrumScribeError):
    """Raised from a progress callback to stop the work."""

    code = "cancelled"
    exit_code = 130
