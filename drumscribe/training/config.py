"""A whole training run as one TOML file: what is rendered, trained and published, and from which seeds.

`docs/model/training.md` explains every key. The sections of the networks take every option that their training has.
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, create_model

from drumscribe.errors import FileNotReadable, OptionError
from drumscribe.training.loop import Training
from drumscribe.training.train_beats import BeatTraining
from drumscribe.training.train_drums import DrumTraining
from drumscribe.weights import Manifest

Device = Literal["cpu", "cuda"]

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_Folder = Annotated[Path, Strict(False)]
_Version = Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.]*$")]


class Songs(BaseModel):
    """Band songs, rendered without their drums; needs FluidSynth."""

    model_config = _STRICT
    variants: int = Field(default=2, ge=1)  #: renderings of every song


class Pool(BaseModel):
    """Mixes of 32 s, kept as spectra."""

    model_config = _STRICT
    train: int = Field(ge=1)
    validation: int = Field(ge=1)
    natural: int = Field(default=0, ge=0)  #: validation mixes nearer to records; where there are any, they fix thresholds
    seed: int = Field(default=0, ge=0)


class Blend(BaseModel):
    """Publish the mean of the run's drum network and of networks that ship as one network more."""

    model_config = _STRICT
    version: _Version
    others: list[str] = Field(min_length=1)  #: `name@version` of drum networks that ship with the package


class DrumRelease(BaseModel):
    """How the drum network is published."""

    model_config = _STRICT
    version: _Version
    shift: float = 0.3  #: logits taken off everywhere
    time_offset: float = 0.0  #: seconds added to every onset
    blend: Blend | None = None


class BeatRelease(BaseModel):
    """How the beat network is published."""

    model_config = _STRICT
    version: _Version


class _Release(BaseModel):
    model_config = _STRICT
    drums: DrumRelease
    beats: BeatRelease | None = None


#: What a file may not set of a network's training: the run decides.
_DECIDED = {"run", "pack", "pool", "parts", "device", "begin_with"}
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


def _section(kind: type[Training], **more: Any) -> type[BaseModel]:
    """The options of a training as a section of the file, and `more` that the run reads."""
    hints = get_type_hints(kind)
    options: dict[str, Any] = {
        field.name: (hints[field.name], ... if field.default is MISSING else field.default)
        for field in fields(kind)
        if field.name not in _DECIDED
    } | more
    return create_model(kind.__name__, __config__=_STRICT, **options)


class _Config(BaseModel):
    model_config = _STRICT
    pack: _Folder  #: samples and MIDI with manifests
    run: _Folder  #: everything that is made
    device: Device = "cpu"
    songs: Songs | None = None
    pool: Pool
    release: _Release


_Drums: Any = _section(DrumTraining, name=(_Name, ...), begin_with=(Optional[_Name], None))  # noqa: UP045
_Beats: Any = _section(BeatTraining)
_SECTIONS: dict[str, Any] = {
    "drums": (Annotated[list[_Drums], Field(min_length=1)], ...),
    "beats": (Optional[_Beats], None),  # noqa: UP045
}
_Model: Any = create_model("Config", __base__=_Config, **_SECTIONS)


class Config:
    """A configuration that was read and holds."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._model: Any = _Model.model_validate(document)
        self.pack: Path = self._model.pack
        self.run: Path = self._model.run
        self.device: Device = self._model.device
        self.songs: Songs | None = self._model.songs
        self.pool: Pool = self._model.pool
        self.drum_release: DrumRelease = self._model.release.drums
        self.beat_release: BeatRelease | None = self._model.release.beats

    @property
    def drums(self) -> tuple[dict[str, Any], ...]:
        """Options of each `DrumTraining` in order, those not given included; `name` and `begin_with` are names of trainings."""
        return tuple(training.model_dump() for training in self._model.drums)

    @property
    def beats(self) -> dict[str, Any] | None:
        """Options of `BeatTraining`; None where no beat network is wanted."""
        return None if self._model.beats is None else self._model.beats.model_dump()


def read_config(path: Path) -> Config:
    """Read a configuration.

    Raises
    ------
    FileNotReadable
        If there is no such file.
    WeightsNotFound
        If a network to blend with does not ship.
    OptionError
        If it is not TOML, or a key is unknown, missing, or of the wrong kind; the sentence names the first.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FileNotReadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path.name} is not TOML: {error}.", path=str(path)) from error
    try:
        config = Config(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise OptionError(f"{path.name} cannot be used: {key}: {first['msg']}.", path=str(path), key=key) from error
    if (config.beats is None) != (config.beat_release is None):
        raise OptionError(f"{path.name} needs both beats and release.beats, or neither.", path=str(path), key="beats")
    _check_names([training["name"] for training in config.drums], [training["begin_with"] for training in config.drums], path)
    if config.drum_release.blend is not None:
        Manifest.read().find(",".join(config.drum_release.blend.others))
    return config


def _check_names(names: list[str], starts: list[str | None], path: Path) -> None:
    """Every training of drums has its own name, and begins with the weights of one before it, or with none."""
    for place, (name, start) in enumerate(zip(names, starts, strict=True)):
        if name in names[:place]:
            raise OptionError(f"{path.name} has two drum trainings called {name!r}.", path=str(path), key="drums")
        if start is not None and start not in names[:place]:
            raise OptionError(f"{path.name} lets {name!r} begin with {start!r}, which is no training before it.", path=str(path))
