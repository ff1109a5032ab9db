"""`drumscribe train`: from a folder of samples and MIDI to published networks, one step a command."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from drumscribe.cli.console import say
from drumscribe.errors import FileNotReadable, OptionError

app = typer.Typer(help="Make the networks (needs the extra [train]).", no_args_is_help=True, rich_markup_mode=None)

_STAGES = "songs, pool, drums, publish-drums, beats, publish-beats"

Pack = Annotated[Path, typer.Option(help="Folder of samples and MIDI with manifests.", exists=True, file_okay=False)]
Songs = Annotated[Path, typer.Option(help="Folder of rendered songs, as `train songs` writes it.", exists=True, file_okay=False)]
PoolDir = Annotated[Path, typer.Option("--pool", help="Folder of rendered mixes, as `train pool` writes it.")]
Parts = Annotated[str, typer.Option(help="Which parts of the pool, as a glob.")]
Judges = Annotated[str, typer.Option(help="Drums: parts of the pool that fix the operating point, as a glob.")]
Run = Annotated[Path, typer.Option(help="Folder of this run: log, configuration, checkpoint.")]
BeginWith = Annotated[
    Path | None,
    typer.Option(help="Checkpoint (.pt) or published network (.onnx) to start from.", exists=True, dir_okay=False),
]
Seed = Annotated[int, typer.Option(help="Where chance begins.")]
Device = Literal["cpu", "cuda"]
OnDevice = Annotated[Device, typer.Option("--device", help="Where to compute.")]
Minutes = Annotated[float | None, typer.Option(help="Train for so long, in place of --steps.", min=0.01)]
Workers = Annotated[int, typer.Option(help="Threads that draw batches ahead.", min=1)]
Growing = Annotated[bool, typer.Option("--growing", help="What is still being rendered joins as it comes.")]


@contextmanager
def _extra() -> Generator[None]:
    """Say in one sentence what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        from drumscribe.errors import DependencyMissing

        missing = f"Training needs {error.name}: pip install 'drumscribe[train]'."
        raise DependencyMissing(missing, module=error.name) from error
    except FileNotFoundError as error:
        sentence = f"There is no {error.filename}." if error.filename else f"There is {error}."
        raise FileNotReadable(sentence, path=error.filename) from error


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="TOML file that describes a whole run: do all of it that is not done yet.")
    ] = None,
    until: Annotated[str, typer.Option(help=f"Last stage to run: {_STAGES}.")] = "publish-beats",
    device: Annotated[Device | None, typer.Option(help="In place of the file's.")] = None,
) -> None:
    """Make the networks (needs the extra [train])."""
    if context.invoked_subcommand is not None:
        if config is not None:
            raise OptionError("--config describes a whole run and takes no command beside it.")
        return
    if config is None:
        raise OptionError("train needs --config FILE, or one of its commands.")
    with _extra():
        from drumscribe.training.config import read_config
        from drumscribe.training.stages import run_stages

        whole = read_config(config)
        done = run_stages(whole, until=until, device=_check(device or whole.device), say=say)
        for stage in ("publish-drums", "publish-beats"):
            if stage in done:
                say(f"published {done[stage]['model']}")


def _check(device: Device) -> Device:
    """Say in one sentence that there is no such device."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise OptionError("There is no CUDA device here, or this torch cannot use it.")
    return device


@app.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(help="Holds drums/KIT/CLASS/*.wav, midi/*.mid and more.", exists=True, file_okay=False)
    ],
    licence: Annotated[str, typer.Option(help="Of what lies in the folder, such as CC0-1.0.")],
    kind: Annotated[Literal["acoustic", "electronic"], typer.Option(help="What the kits are.")] = "acoustic",
) -> None:
    """Make a pack of a plain folder: write its manifests."""
    with _extra():
        from drumscribe.training.plain import import_folder

        found = import_folder(folder, licence=licence, kind=kind)
        say(", ".join(f"{count} in {part}" for part, count in found.items()))


@app.command("songs")
def songs(pack: Pack, cache: Annotated[Path, typer.Option(help="Where the rendered songs go.")], variants: int = 2) -> None:
    """Render the band songs of a pack without their drums (needs FluidSynth and two soundfonts)."""
    with _extra():
        from drumscribe.training.songs import render_songs

        say(f"{render_songs(pack, cache, variants=variants)} songs rendered into {cache}")


@app.command("pool")
def pool(
    pack: Pack,
    songs: Songs,
    out: Annotated[Path, typer.Option(help="Where the rendered mixes go.")],
    items: Annotated[int, typer.Option(help="How many mixes of 32 s.", min=1)] = 660,
    seed: Seed = 0,
    validation: Annotated[
        bool, typer.Option("--validation", help="Use the kits, players and songs kept out of training.")
    ] = False,
    natural: Annotated[
        bool,
        typer.Option("--natural", help="Validation mixes nearer to records: what people played, as they did, on acoustic kits."),
    ] = False,
) -> None:
    """Render training mixes as spectra; a part that is whole already is left alone."""
    with _extra():
        from drumscribe.training.generator import Generator
        from drumscribe.training.pool import render_parts

        generator = Generator(pack, songs, validation=validation, natural=natural)
        render_parts(generator, out, items=items, seed=seed, say=say)


@app.command("audition")
def audition(
    pack: Pack,
    songs: Songs,
    out: Annotated[Path, typer.Option(help="Folder for sounds, pictures, labels and the page that shows them.")],
    items: Annotated[int, typer.Option(help="How many mixes of 32 s.", min=1)] = 12,
    seed: Annotated[
        int, typer.Option(help="First item; a pool's items are numbered from its seed times a million on.", min=0)
    ] = 0,
    validation: Annotated[
        bool, typer.Option("--validation", help="Use the kits, players and songs kept out of training.")
    ] = False,
) -> None:
    """Write labelled examples to look at and to listen to."""
    with _extra():
        from drumscribe.training.audition import write_audition
        from drumscribe.training.generator import Generator

        write_audition(Generator(pack, songs, validation=validation), out, range(seed, seed + items))
        say(f"open {out / 'index.html'}")


@app.command("drums")
def drums(
    pool: PoolDir,
    run: Run,
    network: Annotated[
        Literal["convolutions", "attention", "rises"], typer.Option(help="Which kind of network; several kinds make a good mean.")
    ] = "convolutions",
    steps: int = 3600,
    batch: int = 8,
    rate: float = 2.5e-3,
    parts: Parts = "train-*",
    begin_with: BeginWith = None,
    seed: Seed = 1,
    device: OnDevice = "cpu",
    minutes: Minutes = None,
    workers: Workers = 1,
    growing: Growing = False,
) -> None:
    """Train the drum network; started again, it goes on from its last checkpoint."""
    with _extra():
        from drumscribe.training.train_drums import DrumTraining, train_drums

        options = DrumTraining(
            pool=pool,
            run=run,
            network=network,
            steps=steps,
            batch=batch,
            rate=rate,
            parts=parts,
            begin_with=begin_with,
            seed=seed,
            device=_check(device),
            minutes=minutes,
            workers=workers,
            growing=growing,
        )
        say(f"checkpoint: {train_drums(options)}")


@app.command("beats")
def beats(
    pack: Pack,
    pool: PoolDir,
    run: Run,
    steps: int = 1100,
    batch: int = 16,
    rate: float = 2e-3,
    seed: Seed = 2,
    parts: Parts = "train-*",
    begin_with: BeginWith = None,
    device: OnDevice = "cpu",
) -> None:
    """Train the beat network on what the published drum network hears; it resumes as well."""
    with _extra():
        from drumscribe.training.train_beats import BeatTraining, train_beats
        from drumscribe.weights import load_drums

        options = BeatTraining(
            pack=pack,
            pool=pool,
            parts=parts,
            run=run,
            steps=steps,
            batch=batch,
            rate=rate,
            seed=seed,
            begin_with=begin_with,
            device=_check(device),
        )
        say(f"checkpoint: {train_beats(options, load_drums())}")


@app.command("readings")
def readings(
    pack: Annotated[
        Path | None, typer.Option(help="Folder of samples and MIDI with manifests.", exists=True, file_okay=False)
    ] = None,
    pool: Annotated[Path | None, typer.Option(help="Folder of rendered mixes, as `train pool` writes it.")] = None,
    parts: Parts = "train-*",
    imagined: Annotated[int, typer.Option(help="Pieces that were never rendered.", min=0)] = 150,
    seed: Seed = 77,
    sets: Annotated[
        list[Path] | None,
        typer.Option("--set", help="Generated test set to fit on in place of pool and imagined pieces; may be repeated."),
    ] = None,
    judge: Annotated[
        list[Path] | None,
        typer.Option(help="Generated test set to judge the weights on; may be repeated. [default: what they were fitted on]"),
    ] = None,
) -> None:
    """Fit the weights by which the decoder of beats chooses among ways to count, and print them with what they reach."""
    with _extra():
        from drumscribe.beats.parameters import DecoderParameters
        from drumscribe.training.fit_readings import cases_of_set, expected_worth, fit_weights, gather_cases
        from drumscribe.weights import load_models

        models = load_models()
        if sets:
            cases = [case for folder in sets for case in cases_of_set(folder, models)]
        elif pack is None or pool is None:
            raise OptionError("Weights are fitted on a pool (--pack and --pool) or on test sets (--set).")
        else:
            cases = gather_cases(pack, pool, parts, models, imagined=imagined, seed=seed)
        judged = [case for folder in judge or () for case in cases_of_set(folder, models)] or cases
        before = DecoderParameters().reading_weights
        for name, weights in (("before", before), ("fitted", fit_weights(cases, before))):
            say(f"{name}: {weights}")
            for metre, worth in expected_worth(judged, weights).items():
                say(f"  {metre}: {worth:.3f}")


@app.command("stems")
def stems(
    pack: Pack,
    songs: Songs,
    out: Annotated[Path, typer.Option(help="Where the rendered stems go.")],
    items: Annotated[int, typer.Option(help="How many items of 32 s, drums and backing apart; 5.6 MB each.", min=1)] = 960,
    seed: Seed = 50,
) -> None:
    """Render drums and backing apart for the separator; a part that is whole already is left alone."""
    with _extra():
        from drumscribe.training.generator import Generator
        from drumscribe.training.stems import render_parts

        render_parts(Generator(pack, songs), out, items=items, seed=seed, say=say)


@app.command("separator")
def separator(
    bank: Annotated[Path, typer.Option(help="Folder of stems, as `train stems` writes it.", exists=True, file_okay=False)],
    run: Run,
    steps: int = 4500,
    batch: int = 8,
    rate: float = 2e-3,
    begin_with: BeginWith = None,
    songs: Annotated[
        Path | None, typer.Option(help="Folder of rendered songs, for more backing.", exists=True, file_okay=False)
    ] = None,
    seed: Seed = 3,
    device: OnDevice = "cpu",
    minutes: Minutes = None,
    workers: Workers = 1,
    growing: Growing = False,
) -> None:
    """Train the network that isolates the drums; it resumes as well."""
    with _extra():
        from drumscribe.training.train_separator import SeparatorTraining, train_separator

        options = SeparatorTraining(
            bank=bank,
            songs=songs,
            run=run,
            steps=steps,
            batch=batch,
            rate=rate,
            begin_with=begin_with,
            seed=seed,
            device=_check(device),
            minutes=minutes,
            workers=workers,
            growing=growing,
        )
        say(f"checkpoint: {train_separator(options)}")


@app.command("release-separator")
def release_separator(
    checkpoint: Annotated[Path, typer.Option(help="last.pt or weights.pt of a run.", exists=True, dir_okay=False)],
    version: Annotated[str, typer.Option(help="A version that was never published.")],
    metrics: Annotated[Path | None, typer.Option(help="JSON file of what was measured.", exists=True, dir_okay=False)] = None,
    manifest: Annotated[Path | None, typer.Option(help="The list to add to. [default: the one that ships]")] = None,
) -> None:
    """Export the separator to ONNX and add it to the manifest."""
    with _extra():
        from drumscribe.training.release_separator import release_separator as publish_separator

        measured = json.loads(metrics.read_text("utf-8")) if metrics else {}
        say(f"published {publish_separator(checkpoint, version=version, metrics=measured, manifest=manifest).ref}")


@app.command("release")
def release(
    kind: Annotated[Literal["drums", "beats"], typer.Argument(help="Which network.")],
    members: Annotated[
        list[Path],
        typer.Argument(help="last.pt of a run; several, and published ONNX files, make a mean.", exists=True, dir_okay=False),
    ],
    pool: PoolDir,
    version: Annotated[str, typer.Option(help="A version that was never published.")],
    judges: Judges = "valid-*",
    shift: Annotated[float, typer.Option(help="Drums: logits taken off everywhere.")] = 0.3,
    time_offset: Annotated[float, typer.Option(help="Drums: seconds added to every onset.")] = 0.0,
    manifest: Annotated[Path | None, typer.Option(help="The list to add to. [default: the one that ships]")] = None,
) -> None:
    """Export to ONNX, fix the operating point on the validation mixes, add to the manifest."""
    with _extra():
        from drumscribe.training.release import Point, release_beats, release_drums
        from drumscribe.weights import load_drums

        if kind == "drums":
            point = Point(version=version, judges=judges, shift=shift, time_offset=time_offset, manifest=manifest)
            entry = release_drums(members, pool, point)
        elif len(members) > 1:
            raise OptionError("Beat networks are published one by one.", members=len(members))
        else:
            entry = release_beats(members[0], version=version, drums=str(load_drums().ref), metrics={}, manifest=manifest)
        say(f"published {entry.ref}")


@app.command("demo")
def demo(pack: Pack, songs: Songs, out: Annotated[Path, typer.Option(help="Folder for the demo song.")], seed: Seed = 1) -> None:
    """Make a song of half a minute with its true hits and beats."""
    with _extra():
        from drumscribe.training.demo import write_demo
        from drumscribe.training.generator import Generator

        write_demo(Generator(pack, songs), out, seed=seed)


@app.command("testset")
def generated_set(
    pack: Pack,
    songs: Songs,
    out: Annotated[Path, typer.Option(help="Folder for audio and annotations.")],
    source: Annotated[
        Literal["patterns", "counting", "groove", "groove-plain"],
        typer.Option(
            help="Patterns: every metre, tempo, feel and more, one condition at a time. Counting: metres and changes of metre at "
            "natural tempi. Groove: people who play, alone and in a band; plain without room, desk and band."
        ),
    ] = "patterns",
    pieces: Annotated[
        int | None, typer.Option(help="At most so many of a condition. [default: 2 patterns; every performance]", min=1)
    ] = None,
    seed: Seed = 7,
    condition: Annotated[str, typer.Option(help="Patterns: render this condition only, such as velocity.")] = "",
) -> None:
    """Make a generated test set, on kits kept out of training."""
    with _extra():
        from drumscribe.training.generator import Generator
        from drumscribe.training.testset import CONDITIONS, COUNTING, render_patterns, render_performances, write_test_set

        generator = Generator(pack, songs, validation=True)
        if source in ("patterns", "counting"):
            conditions = COUNTING if source == "counting" else CONDITIONS
            rendered = render_patterns(generator, pieces=pieces or 2, seed=seed, only=condition, conditions=conditions)
        else:
            rendered = render_performances(generator, pack, pieces=pieces, seed=seed, is_plain=source == "groove-plain")
        say(f"{write_test_set(rendered, out, generator.kits.kind)} pieces in {out}")
