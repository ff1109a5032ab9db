"""AnNOTEator's network converts to the same numbers, refuses what it is not, and hears its own kind of hits."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnxruntime
import pytest
from tiny_networks import RATE, publish_thump_and_hiss, thump_and_hiss
from typer.testing import CliRunner

from drumscribe.annoteator import ORIGINAL_SHA256, classify, convert
from drumscribe.annoteator.convert import build_network
from drumscribe.annoteator.infer import CLIP, _compress, _find_onsets
from drumscribe.annoteator.reading import DRUMS, parse, read_weights
from drumscribe.audio import load_audio
from drumscribe.cli.app import app
from drumscribe.errors import ModelMismatch, OptionError, WeightsCorrupt, WeightsNotFound
from drumscribe.options import BeatOptions
from drumscribe.pipeline import transcribe
from drumscribe.types import INSTRUMENTS, Audio, Drum, Progress
from drumscribe.weights import Manifest, Models, fetch, list_models, load_models, verify

SHAPES = {
    "conv2d": (3, 3, 1, 32),
    "conv2d_1": (3, 3, 32, 64),
    "conv2d_2": (3, 3, 64, 64),
    "dense": (960, 100),
    "dense_1": (100, 100),
    "dense_2": (100, 6),
}

#: `name@version` of the networks that ship as the default.
DEFAULT = tuple(str(entry.ref) for entry in Manifest.read().find("default"))


def layer(kind: str, name: str, **settings: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **settings}}


def conv(name: str, padding: str) -> dict[str, Any]:
    plain = {"data_format": "channels_last", "strides": [1, 1], "dilation_rate": [1, 1], "groups": 1, "use_bias": True}
    return layer("Conv2D", name, kernel_size=[3, 3], activation="relu", padding=padding, **plain)


def pool(name: str) -> dict[str, Any]:
    two = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}
    return layer("MaxPooling2D", name, **two)


def keras_layers() -> list[dict[str, Any]]:
    """What Keras 2.8 writes about the network."""
    return [
        layer("InputLayer", "conv2d_input", batch_input_shape=[None, 128, 18, 1]),
        {**conv("conv2d", "same"), "config": {**conv("conv2d", "same")["config"], "batch_input_shape": [None, 128, 18, 1]}},
        pool("max_pooling2d"),
        conv("conv2d_1", "same"),
        pool("max_pooling2d_1"),
        conv("conv2d_2", "valid"),
        pool("max_pooling2d_2"),
        layer("Flatten", "flatten", data_format="channels_last"),
        layer("Dense", "dense", activation="relu", use_bias=True),
        layer("Dropout", "dropout", rate=0.2),
        layer("Dense", "dense_1", activation="relu", use_bias=True),
        layer("Dropout", "dropout_1", rate=0.3),
        layer("Dense", "dense_2", activation="sigmoid", use_bias=True),
    ]


def keras_file(change: Callable[[h5py.File], None] | None = None, layers: list[dict[str, Any]] | None = None) -> bytes:
    """A file as Keras writes it, with random weights."""
    rng = np.random.default_rng(3)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers or keras_layers()}})
        for name, shape in SHAPES.items():
            group = file.create_group(f"model_weights/{name}")
            group.attrs["weight_names"] = [f"{name}/kernel:0", f"{name}/bias:0"]
            scale = np.sqrt(2 / np.prod(shape[:-1]))
            group[f"{name}/kernel:0"] = rng.normal(0, scale, shape).astype(np.float32)
            group[f"{name}/bias:0"] = rng.normal(0, 0.1, shape[-1:]).astype(np.float32)
        if change:
            change(file)
    return buffer.getvalue()


def forward(content: bytes, mel: np.ndarray) -> np.ndarray:
    """The network in plain numpy, float64, channels last, written from Keras' documentation alone."""
    with h5py.File(io.BytesIO(content)) as file:
        stored = {
            name: [file[f"model_weights/{name}/{name}/{part}:0"][()].astype(float) for part in ("kernel", "bias")]
            for name in SHAPES
        }
    x = mel.astype(float)
    for name, margin in (("conv2d", 1), ("conv2d_1", 1), ("conv2d_2", 0)):
        kernel, bias = stored[name]
        x = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        x = np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel, optimize=True) + bias, 0)
        n, h, w, c = x.shape
        x = x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
    x = x.reshape(len(x), -1)
    for name in ("dense", "dense_1"):
        x = np.maximum(x @ stored[name][0] + stored[name][1], 0)
    return 0.5 * (1 + np.tanh(0.5 * (x @ stored["dense_2"][0] + stored["dense_2"][1])))


@pytest.fixture(scope="module")
def random_file() -> bytes:
    return keras_file()


@pytest.fixture(scope="module")
def random_models(random_file: bytes, tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("annoteator")
    convert(random_file, folder)
    return load_models("annoteator", cache=folder, threads=1)


@pytest.fixture(scope="session")
def original(shared: Path) -> bytes:
    path = shared / "models" / "annoteator" / "complete_network.h5"
    if not path.is_file():
        pytest.skip(f"the original network is not at {path}")
    return fetch(str(path), sha256=ORIGINAL_SHA256)


# ------------------------------------------------------------------------------------------------ conversion


def same_numbers(content: bytes) -> None:
    rng = np.random.default_rng(1)
    mel = (rng.exponential(1.0, (50, 128, 18, 1)) * 10 ** rng.uniform(-4, 1, (50, 128, 1, 1))).astype(np.float32)
    mel *= 10 ** rng.uniform(-4, 0, (50, 1, 1, 1)).astype(np.float32)
    session = onnxruntime.InferenceSession(build_network(read_weights(content)), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"mel": mel})
    np.testing.assert_allclose(found, forward(content, mel), atol=1e-5)
    assert np.ptp(found, axis=0).min() > 0.01, "the answers must depend on the question"


def test_the_converted_network_gives_the_numbers_of_the_layers(random_file: bytes) -> None:
    same_numbers(random_file)


@pytest.mark.shared
def test_the_original_network_gives_the_numbers_of_its_layers(original: bytes) -> None:
    same_numbers(original)


def test_conversion_writes_a_pair_that_is_listed_checked_and_loaded(random_file: bytes, tmp_path: Path) -> None:
    entry = convert(random_file, tmp_path, version="2.1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annoteator-2.1.json", "annoteator-2.1.onnx", "manifest.toml"]
    described = json.loads((tmp_path / "annoteator-2.1.json").read_text())
    assert described["source"]["sha256"] == hashlib.sha256(random_file).hexdigest()
    assert described["source"]["is_original"] is False
    assert described["licence"] == entry.licence == "MIT"
    assert {str(found.entry.ref): found.problem for found in verify(cache=tmp_path)}["annoteator@2.1"] == ""
    models = load_models("annoteator", cache=tmp_path)
    assert models.refs == (*DEFAULT, "annoteator@2.1")
    assert models.vocabulary == (Drum.KICK, Drum.SNARE, Drum.HIHAT_CLOSED, Drum.RIDE, Drum.CRASH, Drum.TOM_HIGH)
    assert set(load_models(cache=tmp_path).vocabulary) == {*INSTRUMENTS, Drum.CROSS_STICK}


def test_converting_twice_changes_nothing_and_another_file_needs_another_version(random_file: bytes, tmp_path: Path) -> None:
    assert convert(random_file, tmp_path) == convert(random_file, tmp_path)

    def louder(file: h5py.File) -> None:
        file["model_weights/dense/dense/bias:0"][...] += 1

    with pytest.raises(ModelMismatch, match="give it a new version"):
        convert(keras_file(louder), tmp_path)
    convert(keras_file(louder), tmp_path, version="1.1")
    assert load_models("annoteator", cache=tmp_path).refs[-1] == "annoteator@1.1"
    assert load_models("annoteator@1.0.0", cache=tmp_path).refs[-1] == "annoteator@1.0.0"


def test_a_changed_byte_of_the_converted_network_is_noticed(random_file: bytes, tmp_path: Path) -> None:
    convert(random_file, tmp_path)
    path = tmp_path / "annoteator-1.0.0.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match="damaged"):
        load_models("annoteator", cache=tmp_path)


def test_what_is_added_never_replaces_what_ships(random_file: bytes, tmp_path: Path) -> None:
    convert(random_file, tmp_path)
    text = (tmp_path / "manifest.toml").read_text()
    (tmp_path / "manifest.toml").write_text(
        text.replace('"annoteator" =', '"default" =').replace("annoteator@1.0.0", "drums@1.0.0")
    )
    before = {found.entry for found in list_models()}
    assert {found.entry for found in list_models(cache=tmp_path)} == before
    assert load_models(cache=tmp_path).refs == DEFAULT


# ------------------------------------------------------------------------------------------- files that do not fit


def test_another_hash_is_refused_before_the_file_is_read(random_file: bytes, tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="should be 03d46bdddeb8"):
        convert(random_file, tmp_path / "new", sha256=ORIGINAL_SHA256)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(random_file: bytes, tmp_path: Path, share: float) -> None:
    with pytest.raises(WeightsCorrupt, match="not a whole HDF5 file"):
        convert(random_file[: int(len(random_file) * share)], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_noise_and_text_are_refused() -> None:
    for content in (np.random.default_rng(0).bytes(5000), b"not a network", b"\x89HDF\r\n\x1a\n" + bytes(4000)):
        with pytest.raises(WeightsCorrupt, match="not a whole HDF5 file"):
            read_weights(content)


def without(name: str) -> list[dict[str, Any]]:
    return [one for one in keras_layers() if one["config"]["name"] != name]


def altered(name: str, **settings: Any) -> list[dict[str, Any]]:
    return [{**one, "config": {**one["config"], **settings}} if one["config"]["name"] == name else one for one in keras_layers()]


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (without("dense_1"), "not those of AnNOTEator"),
        (without("flatten"), "not those of AnNOTEator"),
        ([*keras_layers(), layer("Dense", "dense_3")], "not those of AnNOTEator"),
        (altered("conv2d_2", padding="same"), "padding is same"),
        (altered("conv2d_1", strides=[2, 2]), "strides"),
        (altered("conv2d", activation="tanh"), "activation is tanh"),
        (altered("flatten", data_format="channels_first"), "data_format"),
        (altered("dense_2", activation="softmax"), "activation is softmax"),
        (altered("conv2d_input", batch_input_shape=[None, 128, 44, 1]), "128, 44, 1"),
    ],
)
def test_a_network_of_another_build_is_refused(layers: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ModelMismatch, match=reason):
        parse(keras_file(layers=layers))


KERNEL = "model_weights/dense/dense/kernel:0"


def replaced(value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file[KERNEL] = value

    return change


def huge(file: h5py.File) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**20, 2**20), "f4", chunks=(64, 64))


def linked(file: h5py.File) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/x")


def stored_elsewhere(file: h5py.File) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (960, 100), "f4", external=[("/etc/passwd", 0, 960 * 100 * 4)])


def spoken_for(text: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file.attrs["model_config"] = text

    return change


def three_weights(file: h5py.File) -> None:
    file["model_weights/dense"].attrs["weight_names"] = ["dense/kernel:0", "dense/bias:0", "dense/bias:0"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replaced(np.zeros((100, 960), np.float32)), "100, 960"),
        (replaced(np.zeros((960, 100), np.float64)), "float64"),
        (replaced("a sentence"), "object"),
        (huge, "1048576"),
        (linked, "not stored in the file"),
        (stored_elsewhere, "not stored in the file"),
        (three_weights, "3 weights"),
        (spoken_for("{"), "does not describe"),
        (spoken_for("[" * 100_000), "does not describe"),
        (spoken_for('{"config": {"layers": [3]}}'), "does not describe"),
        (spoken_for('{"config": {"layers": []}}'), "layers are none"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: Callable[[h5py.File], None], reason: str) -> None:
    with pytest.raises(ModelMismatch, match=reason):
        read_weights(keras_file(change))


def test_weights_that_are_missing_or_no_numbers_are_refused() -> None:
    def drop(file: h5py.File) -> None:
        del file["model_weights/conv2d_1"]

    with pytest.raises(WeightsCorrupt):
        read_weights(keras_file(drop))
    with pytest.raises(WeightsCorrupt, match="not finite"):
        read_weights(keras_file(replaced(np.full((960, 100), np.nan, np.float32))))


def test_a_reader_that_never_ends_is_a_damaged_file(random_file: bytes) -> None:
    with pytest.raises(WeightsCorrupt, match="not a whole HDF5 file") as caught:
        read_weights(random_file, timeout_s=0.01)
    assert "not read within" in caught.value.facts["cause"]


def test_bytes_turned_over_anywhere_give_a_sentence_or_a_network(random_file: bytes) -> None:
    rng = np.random.default_rng(5)
    for _ in range(12):
        content = bytearray(random_file)
        for place in rng.integers(0, 20_000, 20):
            content[place] = rng.integers(256)
        try:
            weights = read_weights(bytes(content))
        except (WeightsCorrupt, ModelMismatch):
            continue
        assert len(weights) == len(SHAPES)


# ------------------------------------------------------------------------------------------------ hearing


def test_onsets_and_tempo_are_those_of_librosa_on_the_whole_song(demo: Any) -> None:
    import librosa

    samples, rate = load_audio(demo.audio).samples.mean(axis=0), 44_100
    envelope = librosa.onset.onset_strength(y=samples, sr=rate, hop_length=1024)
    onsets = librosa.onset.onset_detect(onset_envelope=envelope, sr=rate) * 1024
    gaps = np.diff(onsets)
    start = 60 / (2 * np.bincount(gaps).argmax() / rate)
    bpm = librosa.feature.tempo(y=samples, sr=rate, start_bpm=start)[0]
    if bpm > 110:
        envelope = librosa.onset.onset_strength(y=samples, sr=rate, hop_length=512)
        onsets = librosa.onset.onset_detect(onset_envelope=envelope, sr=rate) * 512
    found, tempo = _find_onsets(librosa, samples, rate, None)
    assert tempo == pytest.approx(bpm)
    assert found == onsets.tolist()
    assert len(found) > 20


def test_the_compressor_turns_the_loud_part_down_by_its_ratio() -> None:
    time = np.arange(CLIP) / RATE
    tone = np.sign(np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    clips = np.stack([tone * np.float32(10 ** (level / 20)) for level in (-40.0, -27.0, -7.0)])
    out = _compress(clips, np.full(3, RATE))
    late = slice(int(0.05 * RATE), None)
    levels = 20 * np.log10(np.abs(out[:, late]).mean(axis=1))
    np.testing.assert_allclose(levels, [-40, -27, -22], atol=0.3)  # 20 dB above the threshold become five
    assert np.abs(out[2, 2]) > np.abs(out[2, late]).max()  # the first samples pass before it acts


def test_every_onset_gets_a_drum_the_network_knows(random_models: Models, tmp_path: Path) -> None:
    audio = load_audio(thump_and_hiss(tmp_path / "song.wav"))
    assert random_models.classifier is not None
    hits = classify(audio, random_models.classifier)
    assert list(hits) == sorted(hits)
    assert {hit.drum for hit in hits} <= set(DRUMS)
    times = np.unique([hit.time for hit in hits])
    struck = np.arange(0.5, 7.8, 0.25)
    assert all(np.abs(times - time).min() < 0.04 for time in struck)


def answering(logits: list[float], folder: Path) -> Models:
    """The network with the given answer to whatever it hears."""

    def fix(file: h5py.File) -> None:
        file["model_weights/dense_2/dense_2/kernel:0"][...] = 0
        file["model_weights/dense_2/dense_2/bias:0"][...] = logits

    convert(keras_file(fix), folder)
    return load_models("annoteator", cache=folder, threads=1)


def test_the_most_probable_drum_stands_where_none_reaches_the_threshold(tmp_path: Path) -> None:
    audio = load_audio(thump_and_hiss(tmp_path / "song.wav"))
    network = answering([-2.0, -3.0, -1.0, -4.0, -5.0, -6.0], tmp_path / "shy").classifier
    assert network is not None
    hits = classify(audio, network)
    assert {hit.drum for hit in hits} == {Drum.KICK}
    assert hits[0].confidence == pytest.approx(1 / (1 + np.e))


def test_all_drums_above_the_threshold_stand_together(tmp_path: Path) -> None:
    audio = load_audio(thump_and_hiss(tmp_path / "song.wav"))
    network = answering([2.0, -3.0, -1.0, 0.0, -5.0, 3.0], tmp_path / "bold").classifier
    assert network is not None
    hits = classify(audio, network)
    assert {hit.drum for hit in hits} == {Drum.SNARE, Drum.CRASH}  # a half is rounded down
    assert len({hit.time for hit in hits}) * 2 == len(hits)


def test_louder_strokes_get_higher_velocities(tmp_path: Path) -> None:
    burst = (np.random.default_rng(2).normal(0, 0.2, 4096) * np.exp(-np.arange(4096) / 800)).astype(np.float32)
    samples = np.zeros((1, 8 * RATE), np.float32)
    for start in range(10 * 1024, 8 * RATE - 4096, 12 * 1024):  # on the frames, so that every clip is cut alike
        samples[0, start : start + 4096] = burst * np.float32(0.5 if start < 4 * RATE else 1)
    network = answering([2.0, -3.0, -3.0, -3.0, -5.0, -3.0], tmp_path / "one").classifier
    assert network is not None
    hits = classify(Audio(samples, RATE), network)
    soft = [hit.velocity for hit in hits if hit.time < 3.9]
    loud = [hit.velocity for hit in hits if hit.time > 4.1]
    assert np.median(loud) - np.median(soft) == pytest.approx(127 * 6.02 / 24, abs=4)


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000, 96_000])
@pytest.mark.parametrize("bpm", [None, 40.0, 300.0])
def test_any_rate_and_tempo_is_heard_without_a_warning(random_models: Models, rate: int, bpm: float | None) -> None:
    rng = np.random.default_rng(0)
    samples = np.zeros((2, 6 * rate), np.float32)
    for start in np.arange(0, 6 * rate - 2000, rate // 3):
        samples[:, start : start + 2000] = rng.normal(0, 0.3, 2000) * np.exp(-np.arange(2000) / 300)
    assert random_models.classifier is not None
    hits = classify(Audio(samples, rate), random_models.classifier, options=BeatOptions(bpm=bpm))
    assert hits


@pytest.mark.parametrize("length", [0, 1, 100, 3000, RATE])
def test_silence_and_scraps_hold_no_hits(random_models: Models, length: int) -> None:
    assert random_models.classifier is not None
    assert classify(Audio(np.zeros((1, length), np.float32), RATE), random_models.classifier) == ()


def test_memory_does_not_grow_with_the_song(random_file: bytes, tmp_path: Path) -> None:
    """Ten minutes more cost no more than their samples a few times over: no clips, no spectra of the whole song."""
    convert(random_file, tmp_path)
    code = f"""
import resource, sys
import numpy as np
from pathlib import Path
from drumscribe.annoteator import classify
from drumscribe.types import Audio
from drumscribe.weights import load_models
network = load_models("annoteator", cache=Path({str(tmp_path)!r}), threads=1).classifier
peaks = []
for seconds in (30, 630):
    samples = np.zeros((1, seconds * 44100), np.float32)
    for start in range(0, samples.shape[1] - 9000, 11025):
        samples[0, start : start + 4000] = np.random.default_rng(start).normal(0, 0.3, 4000)
    assert len(classify(Audio(samples, 44100), network)) > 100
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(*peaks)
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    short, long = map(float, out.split())
    assert long - short < 400, f"{short:.0f} MB for half a minute, {long:.0f} MB for ten and a half"


# ------------------------------------------------------------------------------------------------ the whole way


def test_a_song_is_written_from_its_hits(random_models: Models, tmp_path: Path) -> None:
    told: list[Progress] = []
    song = transcribe(thump_and_hiss(tmp_path / "song.wav"), models=random_models, on_progress=told.append)
    listened = [progress.fraction for progress in told if progress.stage == "listen"]
    assert listened == sorted(listened)
    assert listened[-1] == 1
    assert song.models == (*DEFAULT, "annoteator@1.0.0")
    assert song.vocabulary == random_models.vocabulary
    assert {hit.drum for hit in song.hits} <= set(DRUMS)
    assert song.bpm == pytest.approx(120, abs=3)
    assert sum(len(bar.notes) for bar in song.score.bars) > 20


def test_the_command_line_pulls_from_a_file_and_hears_with_it(random_file: bytes, tmp_path: Path) -> None:
    run = CliRunner()
    source, cache = tmp_path / "complete_network.h5", tmp_path / "cache"
    source.write_bytes(random_file)
    place = ["--cache-dir", str(cache)]
    song = thump_and_hiss(tmp_path / "song.wav")
    hear = ["transcribe", str(song), "-o", str(tmp_path / "out"), "--formats", "hits", "--model", "annoteator", "--json", *place]
    with pytest.raises(WeightsNotFound, match="pull annoteator --from FILE"):
        run.invoke(app, hear, catch_exceptions=False)
    digest = hashlib.sha256(random_file).hexdigest()
    pulled = run.invoke(app, ["models", "pull", "annoteator", "--from", str(source), "--sha256", digest, *place])
    assert pulled.output.strip() == str(cache / "annoteator-1.0.0.onnx")
    source.unlink()
    assert run.invoke(app, ["models", "pull", "annoteator", "--offline", *place]).exit_code == 0
    assert "annoteator@1.0.0" in run.invoke(app, ["models", "list", *place]).output
    result = run.invoke(app, hear, catch_exceptions=False)
    assert json.loads(result.stdout)["songs"][0]["models"] == [*DEFAULT, "annoteator@1.0.0"]
    named = {hit["instrument"] for hit in json.loads((tmp_path / "out" / "song.hits.json").read_text())}
    assert named <= {drum.value for drum in DRUMS}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["annoteator", "--from", "https://example.org/x.h5"], "needs its sha256"),
        (["drums", "--from", "x.h5"], "Only annoteator"),
        (["default", "--sha256", "00"], "belongs to --from"),
        (["annoteator", "--from", "https://example.org/x.h5", "--offline"], "exclude each other"),
    ],
)
def test_the_command_line_refuses_what_makes_no_sense(arguments: list[str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=reason):
        CliRunner().invoke(app, ["models", "pull", *arguments, "--cache-dir", str(tmp_path)], catch_exceptions=False)


def test_a_file_of_any_length_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.h5"
    path.write_bytes(bytes(1001))
    assert len(fetch(str(path), limit=1001)) == 1001
    with pytest.raises(WeightsCorrupt, match="longer than the 1000 bytes"):
        fetch(path.as_uri(), limit=1000)
    with pytest.raises(WeightsNotFound, match="cannot be read"):
        fetch(str(tmp_path / "none.h5"))


def test_nothing_of_it_is_imported_before_it_is_used() -> None:
    code = "import drumscribe.annoteator, drumscribe.pipeline, drumscribe.cli.models, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"librosa", "h5py", "onnx", "onnxruntime", "tensorflow"} & set(loaded)


def test_a_set_of_ones_own_may_name_the_classifier_beside_its_networks(random_file: bytes, tmp_path: Path) -> None:
    manifest = publish_thump_and_hiss(tmp_path)
    convert(random_file, tmp_path / "cache")
    name = "drums@1.0.0,beats@1.0.0,annoteator@1.0.0"
    assert len(load_models(name, manifest=manifest, cache=tmp_path / "cache").refs) == 3
    with pytest.raises(ModelMismatch, match="one network of each kind"):
        load_models("drums@1.0.0,annoteator", manifest=manifest, cache=tmp_path / "cache")


@pytest.mark.shared
def test_the_original_hears_the_demo_and_says_who_heard_it(original: bytes, demo: Any, tmp_path: Path) -> None:
    entry = convert(original, tmp_path, sha256=ORIGINAL_SHA256)
    assert json.loads((tmp_path / entry.config.file).read_text())["source"]["is_original"] is True
    song = transcribe(demo.audio, models=load_models("annoteator", cache=tmp_path))
    truth = {round(hit["time"], 2) for hit in json.loads(demo.hits.read_text())}
    near = [hit for hit in song.hits if min(abs(hit.time - time) for time in truth) < 0.05]
    assert len(near) / len(song.hits) > 0.75  # the band has onsets too
    assert {Drum.KICK, Drum.SNARE} <= {hit.drum for hit in song.hits}
    assert song.models[-1] == "annoteator@1.0.0"
