"""What every test may use: the Hypothesis profile, the evaluation material and the demo song."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from lxml import etree

CHECKOUT = Path(__file__).resolve().parents[1]

# The same examples every time: a red test must be red for everybody. No deadline: machines differ.
settings.register_profile(
    "drumscribe", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("drumscribe")


class _Local(etree.Resolver):
    """Finds the schemas that a schema imports beside it instead of on the web."""

    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        return self.resolve_filename(str(CHECKOUT / "tests" / "schema" / Path(system_url).name), context)


@pytest.fixture(scope="session")
def schema() -> etree.XMLSchema:
    """The official MusicXML 4.0 schema."""
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(CHECKOUT / "tests" / "schema" / "musicxml.xsd", parser))


@dataclass(frozen=True)
class Demo:
    """The demo song and its truth."""

    audio: Path
    hits: Path
    beats: Path


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the evaluation material: `$DRUMSCRIBE_SHARED`, else `shared/` beside the checkout."""
    named = os.environ.get("DRUMSCRIBE_SHARED")
    folder = Path(named) if named else CHECKOUT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the evaluation material is not at {folder}; set DRUMSCRIBE_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The demo song in `demo/`, rendered by the training generator."""
    folder = CHECKOUT / "demo"
    return Demo(folder / "demo.flac", folder / "demo.hits.json", folder / "demo.beats.json")
