"""A training run stage by stage: each resumes where it was stopped and is left alone once it is done.

`RUN/done.json` says of every stage that is done with which settings, in how many seconds, and what came out. Only the
folder of a run is needed to go on elsewhere: its pool is all that the training of drums reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drumscribe.errors import InputError, OptionError
from drumscribe.training.config import Config, Device
from drumscribe.training.generator import Generator
from drumscribe.training.pool import render_parts
from drumscribe.training.release import Point, release_beats, release_drums
from drumscribe.training.songs import render_songs
from drumscribe.training.train_beats import BeatTraining, train_beats
from drumscribe.training.train_drums import DrumTraining, train_drums
from drumscribe.weights import Manifest, load_drums, publish
from drumscribe.weights.publish import write_atomically

STAGES = ("songs", "pool", "drums", "publish-drums", "beats", "publish-beats")

#: Parts of the pack that a stage reads.
_READS = {"songs": ("midi_songs",), "pool": ("drums", "midi", "instruments", "music"), "beats": ("midi",)}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of a run."""

    folder: Path

    @property
    def songs(self) -> Path:
        """Rendered band songs."""
        return self.folder / "songs"

    @property
    def pool(self) -> Path:
        """Rendered mixes, training and validation."""
        return self.folder / "pool"

    @property
    def drums(self) -> Path:
        """Log and checkpoint of every training of drums, in a folder of its name."""
        return self.folder / "drums"

    @property
    def beats(self) -> Path:
        """Log and checkpoint of the beat network."""
        return self.folder / "beats"

    @property
    def manifest(self) -> Path:
        """The list of the networks that this run published, which lie beside it."""
        return self.folder / "models" / "manifest.toml"

    def done(self) -> dict[str, dict[str, Any]]:
        """What `done.json` says, by stage."""
        path = self.folder / "done.json"
        if not path.exists():
            return {}
        try:
            document = json.loads(path.read_text("utf-8"))
            return {stage: {**row, "settings": row["settings"]} for stage, row in document.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is damaged; without it, stages are gone through again.", path=str(path)) from error

    def finish(self, stage: str, settings: Any, seconds: float, facts: dict[str, Any]) -> None:
        """Put down that a stage is done."""
        row = {"settings": settings, "seconds": round(seconds, 1), **facts}
        document = {**self.done(), stage: row}
        write_atomically(self.folder / "done.json", (json.dumps(document, indent=1) + "\n").encode())


def run_stages(config: Config, *, until: str = STAGES[-1], device: Device | None = None, say: Say = print) -> dict[str, Any]:
    """Run what is not done yet, up to and with the stage `until`; return what `done.json` says then.

    Parameters
    ----------
    device : Device, optional
        In place of the configured one; networks come out alike within noise, so it is no setting.
    say : callable
        Told what begins and what is skipped, one line each.

    Raises
    ------
    OptionError
        If a stage is unknown, or was done with other settings in this folder.
    InputError
        If the pack has no manifests, or `done.json` is damaged.
    """
    if until not in STAGES:
        raise OptionError(f"There is no stage {until!r}; there are {', '.join(STAGES)}.", stage=until)
    run, where = Run(config.run), device or config.device
    for stage in STAGES[: STAGES.index(until) + 1]:
        settings = _settings(config, stage)
        if settings is None:
            continue
        before = run.done().get(stage)
        if before is not None:
            if before["settings"] != settings:
                raise OptionError(
                    f"In {run.folder} the stage {stage} was done with other settings; choose another run folder.", stage=stage
                )
            say(f"{stage}: done")
            continue
        say(f"{stage}: begins")
        began = time.monotonic()
        run.folder.mkdir(parents=True, exist_ok=True)
        _check_pack(config.pack, _READS.get(stage, ()))
        facts = _WORK[stage](config, run, where, say)
        run.finish(stage, settings, time.monotonic() - began, facts)
    return run.done()


def _settings(config: Config, stage: str) -> Any:
    """What a stage's result depends on, as plain JSON; None where it is not wanted."""
    settings: Any = {
        "songs": config.songs and config.songs.model_dump(),
        "pool": config.pool.model_dump(),
        "drums": config.drums,
        "publish-drums": config.drum_release.model_dump(),
        "beats": config.beats,
        "publish-beats": config.beat_release and config.beat_release.model_dump(),
    }[stage]
    return None if settings is None else json.loads(json.dumps(settings))


def _check_pack(pack: Path, parts: Sequence[str]) -> None:
    missing = [part for part in parts if not (pack / part / "manifest.csv").is_file()]
    if missing:
        raise InputError(
            f"The pack {pack} lacks {missing[0]}/manifest.csv; `drumscribe train import` makes a pack of a plain folder.",
            path=str(pack),
        )


def _songs(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    assert config.songs is not None
    render_songs(config.pack, run.songs, variants=config.songs.variants)
    return {"songs": len(list(run.songs.glob("*.json")))}


def _pool(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    wanted = config.pool
    for items, kind in ((wanted.natural, "natural"), (wanted.validation, "validation"), (wanted.train, "train")):
        if items:
            generator = Generator(config.pack, run.songs, validation=kind == "validation", natural=kind == "natural")
            render_parts(generator, run.pool, items=items, seed=wanted.seed, say=say)
    return {"bytes": sum(path.stat().st_size for path in run.pool.iterdir())}


def _drums(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    losses: dict[str, Any] = {}
    for options in config.drums:
        name, start = options.pop("name"), options.pop("begin_with")
        say(f"drums: {name}")
        begin_with = None
        if start:
            begin_with = _shipped(start) if "@" in start else run.drums / start / "last.pt"
        train_drums(DrumTraining(pool=run.pool, run=run.drums / name, device=device, begin_with=begin_with, **options))
        losses[name] = _last(run.drums / name)
    return {"device": device, "losses": losses}


def _publish_drums(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    release = config.drum_release
    names = release.members or [config.drums[-1]["name"]]
    members = [*(run.drums / name / "last.pt" for name in names), *map(_shipped, release.others)]
    judges = "natural-*" if config.pool.natural else "valid-*"
    point = Point(
        version=release.version, judges=judges, shift=release.shift, time_offset=release.time_offset, manifest=run.manifest
    )
    entry = release_drums(members, run.pool, point)
    validation = json.loads(run.manifest.with_name(entry.config.file).read_text("utf-8"))["metrics"]["validation"]
    if config.beat_release is None:
        lend_beats(run)
    return {"model": str(entry.ref), "sha256": entry.network.sha256, "validation": validation}


def _shipped(ref: str) -> Path:
    """The file of a network that ships."""
    known = Manifest.read()
    (entry,) = known.find(ref)
    folder = known.folder_of(entry)
    assert folder is not None
    return folder / entry.network.file


def lend_beats(run: Run) -> None:
    """List the beat network that ships beside the run's drums, so that both can transcribe."""
    entry = next(entry for entry in Manifest.read().find("default") if entry.kind == "beats")
    network = _shipped(str(entry.ref))
    publish(network, json.loads(network.with_name(entry.config.file).read_text("utf-8")), manifest=run.manifest)


def _beats(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    options = BeatTraining(pack=config.pack, pool=run.pool, run=run.beats, device=device, **(config.beats or {}))
    train_beats(options, load_drums(manifest=run.manifest))
    return {"device": device, "loss": _last(run.beats)}


def _publish_beats(config: Config, run: Run, device: str, say: Say) -> dict[str, Any]:
    assert config.beat_release is not None
    drums = str(load_drums(manifest=run.manifest).ref)
    version = config.beat_release.version
    entry = release_beats(run.beats / "last.pt", version=version, drums=drums, metrics={}, manifest=run.manifest)
    return {"model": str(entry.ref), "sha256": entry.network.sha256, "listens_to": drums}


def _last(folder: Path) -> float | None:
    """The mean loss at the end of a training; None where it was too short to tell one."""
    log = folder / "log.jsonl"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return json.loads(lines[-1])["loss"] if lines else None


_WORK: dict[str, Callable[[Config, Run, str, Say], dict[str, Any]]] = {
    "songs": _songs,
    "pool": _pool,
    "drums": _drums,
    "publish-drums": _publish_drums,
    "beats": _beats,
    "publish-beats": _publish_beats,
}
