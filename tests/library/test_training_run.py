"""One file describes a run: it is done stage by stage, goes on where it was stopped, and refuses what it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra [train]")
pytest.importorskip("onnxscript", reason="training needs the extra [train]")

from tiny_networks import linear_network, papers  # noqa: E402
from tiny_pack import make_pack, make_songs  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from drumscribe.cli.app import app  # noqa: E402
from drumscribe.errors import FileNotReadable, InputError, OptionError, WeightsNotFound  # noqa: E402
from drumscribe.training.config import read_config  # noqa: E402
from drumscribe.training.stages import STAGES, Run, lend_beats, run_stages  # noqa: E402
from drumscribe.weights import Manifest, load_models, publish  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

ROOT = Path(__file__).resolve().parents[2]
TINY = """
pack = "{pack}"
run = "{run}"

[pool]
train = 2
validation = 2
natural = 2

[[drums]]
name = "first"
begin_with = "drums@1.1.0"
steps = 4
batch = 2
frames = 128
save_every = 2

[[drums]]
name = "fine"
begin_with = "first"
steps = 2
batch = 2
frames = 128
rate = 1e-3

[[drums]]
name = "rises"
network = "rises"
steps = 2
batch = 2
frames = 128

[beats]
steps = 2
batch = 2
frames = 256

[release.drums]
version = "0.2.0"
members = ["fine", "rises"]
others = ["drums@1.0.0"]

[release.beats]
version = "0.1.0"
"""


def write(folder: Path, old: str = "[pool]", new: str = "[pool]") -> Path:
    """The tiny configuration in `folder`, with `new` for `old`."""
    path = folder / "tiny.toml"
    text = TINY.format(pack=folder / "pack", run=folder / "run")
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_run_publishes_networks_and_is_left_alone_when_done(tmp_path: Path) -> None:
    make_pack(tmp_path / "pack")
    make_songs(tmp_path / "run" / "songs")  # the file asks for no songs stage, which needs FluidSynth
    config = write(tmp_path)
    done = run_stages(read_config(config), until="drums")
    assert list(done) == ["pool", "drums"]
    checkpoint = tmp_path / "run" / "drums" / "fine" / "last.pt"
    before = checkpoint.stat().st_mtime_ns
    result = CliRunner().invoke(app, ["train", "--config", str(config)])
    assert result.exit_code == 0, result.output
    assert checkpoint.stat().st_mtime_ns == before
    facts = json.loads((tmp_path / "run" / "done.json").read_text())
    assert list(facts) == [stage for stage in STAGES if stage != "songs"]
    models = load_models(manifest=tmp_path / "run" / "models" / "manifest.toml")
    assert models.refs == (facts["publish-drums"]["model"], facts["publish-beats"]["model"]) == ("drums@0.2.0", "beats@0.1.0")
    assert models.drums.ref.sha256 == facts["publish-drums"]["sha256"]
    with pytest.raises(OptionError, match="drums was done with other settings"):
        run_stages(read_config(write(tmp_path, "steps = 4", "steps = 6")))
    config_of_blend = json.loads((tmp_path / "run" / "models" / "drums-0.2.0.json").read_text())
    assert config_of_blend["operating_point"] == {"shift": 0.3, "judges": "natural-*"}
    assert len(config_of_blend["picking"]["loudness_shares"]) == len(config_of_blend["drums"])
    pool, shipped = tmp_path / "run" / "pool", ROOT / "drumscribe" / "weights" / "drums-1.0.0.onnx"
    options = ["--pool", str(pool), "--version", "0.3.0", "--manifest", str(tmp_path / "again.toml")]
    result = CliRunner().invoke(app, ["train", "release", "drums", str(shipped), *options])  # it reads the first plane alone
    assert (result.exit_code, result.output) == (0, "published drums@0.3.0\n")
    assert json.loads((tmp_path / "drums-0.3.0.json").read_text())["features"].get("profile") is None
    (tmp_path / "lost.pt").write_bytes(checkpoint.read_bytes())
    for wrong in ([str(tmp_path / "lost.pt"), *options], [str(checkpoint), *options[2:], "--pool", str(tmp_path)]):
        with pytest.raises(FileNotReadable, match=r"There is no (.*config\.json|pool named valid-\* in .*)\.$"):
            app(["train", "release", "drums", *wrong], standalone_mode=False)
    first, fine = (
        torch.load(tmp_path / "run" / "drums" / name / "last.pt", weights_only=True)["averaged"] for name in ("first", "fine")
    )
    moved = sum(float((fine[key] - value).abs().sum()) for key, value in first.items())
    assert 0 < moved < 0.2 * sum(float(value.abs().sum()) for value in first.values())  # it went on from there


def test_drums_alone_transcribe_with_the_beats_that_ship(tmp_path: Path) -> None:
    run = Run(tmp_path)
    publish(
        linear_network(tmp_path / "n.onnx", "log_mel", np.eye(2), np.zeros(2)), papers("drums", "9.0.0"), manifest=run.manifest
    )
    lend_beats(run)
    assert load_models(manifest=run.manifest).refs == ("drums@9.0.0", load_models().refs[1])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("steps = 4", "steps = 4\nstep = 5", r"^tiny.toml cannot be used: drums\.0\.step: Extra inputs are not permitted.$"),
        ("steps = 4", 'steps = "4"', r"^tiny.toml cannot be used: drums\.0\.steps: Input should be a valid integer.$"),
        ("train = 2\n", "", r"^tiny.toml cannot be used: pool.train: Field required.$"),
        ("train = 2", "train = 0", r"^tiny.toml cannot be used: pool.train: Input should be greater than or equal to 1.$"),
        ("[pool]", 'device = "tpu"\n[pool]', r"^tiny.toml cannot be used: device: Input should be 'cpu' or 'cuda'.$"),
        (
            'begin_with = "first"',
            'begin_with = "last"',
            r"^tiny.toml lets 'fine' begin with 'last', which is no training before it.$",
        ),
        ('name = "fine"', 'name = "first"', r"^tiny.toml has two drum trainings called 'first'.$"),
        ('"fine", "rises"', '"finest"', r"^tiny.toml would publish 'finest', which is no training of drums.$"),
        ('[release.beats]\nversion = "0.1.0"', "", r"^tiny.toml needs both beats and release.beats, or neither.$"),
        ("[pool]", "[pool", r"^tiny.toml is not TOML: .+\.$"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        read_config(write(tmp_path, old, new))


def test_a_missing_file_an_unknown_stage_and_an_unknown_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match=r"There is no model 'drums@9\.0\.0'"):
        read_config(write(tmp_path, "drums@1.0.0", "drums@9.0.0"))
    with pytest.raises(WeightsNotFound, match=r"There is no model 'drums@9\.1\.0'"):
        read_config(write(tmp_path, "drums@1.1.0", "drums@9.1.0"))
    with pytest.raises(FileNotReadable):
        read_config(tmp_path / "none.toml")
    with pytest.raises(OptionError, match="There is no stage 'drum'"):
        run_stages(read_config(write(tmp_path)), until="drum")
    assert CliRunner().invoke(app, ["train"]).exit_code == OptionError.exit_code


def test_a_folder_without_manifests_and_a_damaged_account_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    config = read_config(write(tmp_path))
    with pytest.raises(InputError, match=r"lacks drums/manifest\.csv"):
        run_stages(config)
    for damaged in ("{", '{"pool": 3}', "[]"):
        (tmp_path / "run" / "done.json").write_text(damaged)
        with pytest.raises(InputError, match=r"done\.json is damaged"):
            run_stages(config)


def test_the_configuration_of_the_release_can_be_read() -> None:
    config = read_config(ROOT / "docs" / "model" / "release.toml")
    published = {str(entry.ref) for entry in Manifest.read().entries}
    assert f"drums@{config.drum_release.version}" in published
