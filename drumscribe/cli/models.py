"""`drumscribe models`: which networks are published, here and whole."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from drumscribe.cli.console import emit
from drumscribe.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drumscribe.weights import Found

LARGEST_DEMUCS = 2**29  #: bytes of a file of weights; the largest published ones have 170 MB

app = typer.Typer(help="List, show, check and fetch the networks.", no_args_is_help=True, rich_markup_mode=None)

CacheDir = Annotated[
    Path | None,
    typer.Option(help="Folder for pulled networks. [default: drumscribe in the user's cache]", envvar="MODEL_CACHE_DIR"),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option("--manifest", help="List of networks to use instead of the one that ships.", exists=True, dir_okay=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def cache_folder(chosen: Path | None) -> Path:
    """Folder for pulled networks: the chosen one, else `drumscribe` where the system keeps caches."""
    if chosen is not None:
        return chosen
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "drumscribe"


@app.command("list")
def list_(cache_dir: CacheDir = None, manifest: ManifestFile = None, as_json: AsJson = False) -> None:
    """Show the published networks and where each lies."""
    from drumscribe.weights import list_models

    _show(list_models(manifest=manifest, cache=cache_folder(cache_dir)), as_json)


@app.command("verify")
def verify(cache_dir: CacheDir = None, manifest: ManifestFile = None, as_json: AsJson = False) -> None:
    """Compare the bytes of every network that is here with its published hash."""
    from drumscribe.errors import WeightsError
    from drumscribe.weights import verify as verify_weights

    found = verify_weights(manifest=manifest, cache=cache_folder(cache_dir))
    _show(found, as_json)
    # A network that can be pulled and was not is no fault
    if any(one.problem == "corrupt" or (one.problem and not one.entry.url) for one in found):
        raise typer.Exit(WeightsError.exit_code)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="`default`, another alias, or name@version.")] = "default",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the model card of networks that are here: licence, data, figures, limits, hash."""
    from drumscribe.weights import read_cards

    cards = [card.document() for card in read_cards(name, manifest=manifest, cache=cache_folder(cache_dir))]
    emit(json.dumps({"models": cards}, indent=2) if as_json else "\n\n".join(map(_card, cards)))


def _card(facts: dict[str, Any]) -> str:
    """A card for a person: one fact a line, tables and lists below their name."""
    lines = [f"{facts['model']} ({facts['kind']})"]
    for key, value in facts.items():
        if key not in ("model", "kind"):
            lines += _lines(key, value, "  ")
    return "\n".join(lines)


def _lines(key: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, dict) and value and not any(isinstance(one, dict | list | str) for one in value.values()):
        return [f"{indent}{key}: {', '.join(f'{name} {one}' for name, one in value.items())}"]
    if isinstance(value, dict):
        inner = [line for name, one in value.items() for line in _lines(str(name), one, indent + "  ")]
        return [f"{indent}{key}:", *inner] if inner else []
    if isinstance(value, list) and all(isinstance(one, str) and " " in one for one in value):
        return [f"{indent}{key}:", *(f"{indent}  - {one}" for one in value)] if value else []
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return [f"{indent}{key}: {text}"]


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="`default`, another alias, or name@version.")] = "default",
    source: Annotated[
        str,
        typer.Option(
            "--from", help="Someone else's file for `annoteator` (Keras) or `demucs` (weights), as a path or https address."
        ),
    ] = "",
    sha256: Annotated[str, typer.Option("--sha256", help="What the hash of that file must be; needed with an address.")] = "",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Do not use the network; fail if something is missing.", envvar="DRUMSCRIBE_OFFLINE"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch networks that do not ship with the package."""
    from drumscribe.weights import pull as pull_weights

    cache = cache_folder(cache_dir)
    if sha256 and not source:
        raise OptionError("--sha256 belongs to --from; the list knows the hash of every other network.")
    if source and offline and source.lower().startswith("https://"):
        raise OptionError("--offline and an address exclude each other.")
    if source and name.partition("@")[0] == "demucs":
        paths: tuple[Path, ...] = (_keep_demucs(source, sha256, cache),)
    else:
        listed = _convert(name, source, sha256, cache) if source else name
        paths = pull_weights(listed, manifest=manifest, cache=cache, offline=offline)
    emit(json.dumps({"files": [str(path) for path in paths]}, indent=2) if as_json else "\n".join(map(str, paths)))


def _convert(name: str, source: str, sha256: str, cache: Path) -> str:
    """Add someone else's network to those of this machine; return its `name@version`."""
    from drumscribe.annoteator import LARGEST, ORIGINAL_VERSION, convert
    from drumscribe.weights import fetch

    base, _, version = name.partition("@")
    if base != "annoteator":
        raise OptionError(f"Only annoteator and demucs are read --from a file, not {name!r}.")
    content = fetch(source, sha256=sha256, limit=LARGEST)
    return str(convert(content, cache, version=version or ORIGINAL_VERSION).ref)


def _keep_demucs(source: str, sha256: str, cache: Path) -> Path:
    """Keep weights for `--separation-model`; as they can hold code, a hash is always wanted."""
    from drumscribe.weights import fetch
    from drumscribe.weights.publish import write_atomically

    name = PurePosixPath(urlsplit(source).path).name
    if PurePosixPath(name).suffix not in (".th", ".safetensors"):
        raise OptionError(f"Weights of Demucs end in .th or .safetensors, not like {name!r}.")
    if not sha256:
        raise OptionError("Weights of Demucs can hold code: say with --sha256 which file you trust.")
    content = fetch(source, sha256=sha256, limit=LARGEST_DEMUCS)
    path = cache / "demucs" / name
    write_atomically(path, content)
    return path


def _show(models: Iterable[Found], as_json: bool) -> None:
    rows = [
        {
            "model": str(found.entry.ref),
            "kind": found.entry.kind,
            "licence": found.entry.licence,
            "bytes": sum(pin.size for pin in found.entry.pins),
            "sha256": found.entry.network.sha256,
            "folder": str(found.folder) if found.folder else None,
            "status": found.problem or "ok",
        }
        for found in models
    ]
    if as_json:
        emit(json.dumps({"models": rows}, indent=2))
        return
    for row in rows:
        what = f"{row['model']:<20} {row['kind']:<10} {row['bytes']:>9} bytes  {row['licence']:<10}"
        emit(f"{what} {row['status']:<8} {row['folder'] or ''}".rstrip())
