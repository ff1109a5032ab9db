"""Which networks listen: those that ship, or the operator's; and what is said without loading any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import drumscribe.weights
from drumscribe.errors import ModelMismatch, WeightsNotFound
from drumscribe.service.models import check_model, get_models, usable_models
from drumscribe.service.settings import Settings
from drumscribe.weights import Manifest

SHIPPED = Path(drumscribe.weights.__file__).parent
DEFAULT = tuple(str(entry.ref) for entry in Manifest.read().find("default"))


def settings_of(tmp_path: Path, **more: str) -> Settings:
    return Settings.model_validate({"DATA_DIR": str(tmp_path / "data"), **more})


def operators_drums(folder: Path, version: str) -> Path:
    """The drum network that ships, under another version."""
    config = json.loads((SHIPPED / "drums-1.0.0.json").read_text("utf-8"))
    (folder / "drums-mine.json").write_text(json.dumps(config | {"version": version}))
    network = folder / "drums-mine.onnx"
    network.write_bytes((SHIPPED / "drums-1.0.0.onnx").read_bytes())
    return network


def test_a_network_is_loaded_once_for_the_process(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert get_models(settings, "default") is get_models(settings, "default")
    assert get_models(settings, "default").refs == DEFAULT


def test_the_operators_network_stands_in_for_the_default(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, MODEL_URI=str(operators_drums(tmp_path, "9.1.0")))
    check_model(settings)
    assert get_models(settings, "default").refs == ("drums@9.1.0", DEFAULT[1])
    (offered,) = (model for model in usable_models(settings) if model.is_default)
    assert set(offered.networks) == {"drums@9.1.0", DEFAULT[1]}
    assert offered.vocabulary == tuple(map(str, get_models(settings, "default").vocabulary))
    assert get_models(settings, "drums@1.0.0,beats@1.0.0").refs == ("drums@1.0.0", "beats@1.0.0")


def test_a_version_that_ships_cannot_be_another_network(tmp_path: Path) -> None:
    network = operators_drums(tmp_path, "1.0.0")
    check_model(settings_of(tmp_path / "same", MODEL_URI=str(network)))  # the very same is welcome
    description = network.with_suffix(".json")
    description.write_text(description.read_text().replace('"MIT"', '"MIT-0"'))
    with pytest.raises(ModelMismatch, match="the name of a network that ships"):
        check_model(settings_of(tmp_path / "other", MODEL_URI=str(network)))


@pytest.mark.parametrize("name", ["nonsense", "drums@7"])
def test_an_unknown_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsNotFound):
        check_model(settings_of(tmp_path), name)


def test_half_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch):
        check_model(settings_of(tmp_path), "drums@1.0.0")


def test_asking_loads_no_network(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom drumscribe.service.models import check_model, usable_models\n"
        "from drumscribe.service.settings import Settings\n"
        f"settings = Settings.model_validate({{'DATA_DIR': {str(tmp_path)!r}}})\n"
        "check_model(settings)\nassert usable_models(settings)\nprint('onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "False"
