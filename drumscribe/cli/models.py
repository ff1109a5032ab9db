"""`drumscribe models`: which networks are published, here and whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drumscribe.cli.console import emit
from drumscribe.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drumscribe.weights import Found

app = typer.Typer(help="List, check and fetch the networks.", no_args_is_help=True, rich_markup_mode=None)

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


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="`default`, another alias, or name@version.")] = "default",
    source: Annotated[
        str, typer.Option("--from", help="For `annoteator`: its Keras file, as a path or https address; converted, then kept.")
    ] = "",
    sha256: Annotated[str, typer.Option("--sha256", help="What the hash of that file must be; needed with an address.")] = "",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not use the network; fail if something is missing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch networks that do not ship with the package."""
    from drumscribe.weights import pull as pull_weights

    if source:
        name = _convert(name, source, sha256, cache_folder(cache_dir), offline=offline)
    elif sha256:
        raise OptionError("--sha256 belongs to --from; the list knows the hash of every other network.")
    paths = pull_weights(name, manifest=manifest, cache=cache_folder(cache_dir), offline=offline)
    emit(json.dumps({"files": [str(path) for path in paths]}, indent=2) if as_json else "\n".join(map(str, paths)))


def _convert(name: str, source: str, sha256: str, cache: Path, *, offline: bool) -> str:
    """Add someone else's network to those of this machine; return its `name@version`."""
    from drumscribe.annoteator import LARGEST, ORIGINAL_VERSION, convert
    from drumscribe.weights import fetch

    base, _, version = name.partition("@")
    if base != "annoteator":
        raise OptionError(f"Only annoteator is read --from a file, not {name!r}.")
    if offline and source.lower().startswith("https://"):
        raise OptionError("--offline and an address exclude each other.")
    content = fetch(source, sha256=sha256, limit=LARGEST)
    return str(convert(content, cache, version=version or ORIGINAL_VERSION).ref)


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
