"""Networks are found by one list, checked by their hash, and fetched without leaving halves behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_networks import linear_network, papers

from drumscribe.addresses import public_address
from drumscribe.errors import (
    DownloadFailed,
    ForbiddenAddress,
    ModelMismatch,
    UnsupportedUrl,
    WeightsCorrupt,
    WeightsError,
    WeightsNotFound,
)
from drumscribe.types import Drum
from drumscribe.weights import Manifest, list_models, load_models, publish, pull, verify
from drumscribe.weights.manifest import SHIPPED


def tiny_network(path: Path, factor: float) -> Path:
    """Write a network that multiplies its one feature."""
    return linear_network(path, "x", np.array([[factor]]), np.zeros(1))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest with one tiny network of each kind beside it."""
    path = tmp_path / "shipped" / "manifest.toml"
    for factor, kind in enumerate(("drums", "beats"), start=2):
        publish(tiny_network(tmp_path / "new.onnx", factor), papers(kind), manifest=path)
    return path


@pytest.fixture
def remote(manifest: Path, tmp_path: Path) -> Path:
    """The same manifest in a folder without the files, which lie at a file:// address."""
    known = Manifest.read(manifest)
    text = known.to_toml().replace('licence = "MIT"', f'licence = "MIT"\nurl = "{manifest.parent.as_uri()}"')
    path = tmp_path / "remote" / "manifest.toml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_the_default_is_one_network_of_each_kind_ready_to_run(manifest: Path) -> None:
    models = load_models(manifest=manifest, threads=1)
    assert models.refs == ("drums@1.0.0", "beats@1.0.0")
    assert models.drums.picking == {"thresholds": [0.5] * len(Drum), "time_offset": 0.0}
    (y,) = models.drums.session.run(None, {"x": np.float32([[[1], [2]]])})
    np.testing.assert_array_equal(y, [[[2], [4]]])
    assert models.drums.session.get_session_options().get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert models.drums.session.get_session_options().intra_op_num_threads == 1


def test_a_set_can_be_named_by_its_networks(manifest: Path) -> None:
    assert load_models("beats@1.0.0, drums@1.0.0", manifest=manifest).refs == ("drums@1.0.0", "beats@1.0.0")


def test_the_ref_carries_the_hash_of_the_network(manifest: Path) -> None:
    assert load_models(manifest=manifest).drums.ref.sha256 == Manifest.read(manifest).find("drums@1.0.0")[0].network.sha256


@pytest.mark.parametrize("name", ["nonsense", "drums@9.9.9", ""])
def test_an_unknown_name_says_what_is_known(manifest: Path, name: str) -> None:
    with pytest.raises(WeightsNotFound, match=r"Known are: default, beats@1\.0\.0, drums@1\.0\.0"):
        load_models(name, manifest=manifest)


@pytest.mark.parametrize("name", ["drums@1.0.0", "drums@1.0.0,drums@1.0.0", "drums@1.0.0,beats@1.0.0,beats@1.0.0"])
def test_a_set_without_one_of_each_kind_is_refused(manifest: Path, name: str) -> None:
    with pytest.raises(ModelMismatch, match="one network of each kind"):
        load_models(name, manifest=manifest)


@pytest.mark.parametrize("file", ["drums-1.0.0.onnx", "drums-1.0.0.json"])
def test_a_changed_byte_is_noticed_before_anything_is_read(manifest: Path, file: str) -> None:
    path = manifest.with_name(file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match="damaged"):
        load_models(manifest=manifest)
    assert {str(found.entry.ref): found.problem for found in verify(manifest=manifest)} == {
        "drums@1.0.0": "corrupt",
        "beats@1.0.0": "",
    }


def test_a_missing_file_says_how_to_get_it(manifest: Path) -> None:
    manifest.with_name("drums-1.0.0.onnx").unlink()
    with pytest.raises(WeightsNotFound, match=r"drumscribe models pull drums@1\.0\.0"):
        load_models(manifest=manifest)
    assert [found.problem for found in list_models(manifest=manifest)] == ["", "missing"]


def test_bytes_that_are_no_network_are_corrupt_even_with_the_right_hash(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network at all")
    path = tmp_path / "shipped" / "manifest.toml"
    for kind in ("drums", "beats"):
        publish(tmp_path / "text.onnx", papers(kind), manifest=path)
    with pytest.raises(WeightsCorrupt, match="cannot be read as an ONNX network"):
        load_models(manifest=path)


def test_a_description_of_another_model_is_refused(manifest: Path, tmp_path: Path) -> None:
    known = Manifest.read(manifest)
    swapped = known.to_toml().replace("drums@1.0.0", "drums@1.0.1")
    manifest.write_text(swapped)
    with pytest.raises(ModelMismatch, match="that of another model"):
        load_models(manifest=manifest)


@pytest.mark.parametrize(("kind", "field"), [("drums", "picking"), ("drums", "calibration"), ("beats", "logit_offsets")])
def test_a_network_that_does_not_say_how_to_run_it_is_refused(manifest: Path, tmp_path: Path, kind: str, field: str) -> None:
    incomplete = papers(kind, "1.1.0")
    del incomplete[field]
    publish(tiny_network(tmp_path / "new.onnx", 1), incomplete, manifest=manifest)
    with pytest.raises(ModelMismatch, match=f"lacks {field}"):
        load_models(manifest=manifest)


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        "models = 3",
        '[models."drums"]\nkind = "drums"',
        '[models."drums@1.0.0"]\nkind = "bells"\nlicence = "MIT"',
        '[models."drums@1.0.0"]\nkind = "drums"\nlicence = "MIT"\nnetwork = {file = "../x.onnx", size = 1, sha256 = "'
        + "0" * 64
        + '"}\nconfig = {file = "x.json", size = 1, sha256 = "'
        + "0" * 64
        + '"}',
    ],
)
def test_a_damaged_manifest_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(WeightsError, match="is damaged"):
        Manifest.read(path)


def test_no_manifest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="cannot be read"):
        load_models(manifest=tmp_path / "none.toml")


def test_publishing_twice_changes_nothing_and_a_version_never_changes(manifest: Path, tmp_path: Path) -> None:
    before = set(Manifest.read(manifest).find("default"))
    publish(tiny_network(tmp_path / "new.onnx", 2), papers("drums"), manifest=manifest)
    assert set(Manifest.read(manifest).find("default")) == before
    with pytest.raises(ModelMismatch, match="published already"):
        publish(tiny_network(tmp_path / "new.onnx", 5), papers("drums"), manifest=manifest)


def test_a_new_version_takes_over_the_alias_and_the_old_one_stays(manifest: Path, tmp_path: Path) -> None:
    publish(tiny_network(tmp_path / "new.onnx", 5), papers("drums", "1.1.0"), manifest=manifest)
    assert load_models(manifest=manifest).refs == ("drums@1.1.0", "beats@1.0.0")
    assert load_models("drums@1.0.0,beats@1.0.0", manifest=manifest).refs == ("drums@1.0.0", "beats@1.0.0")


@pytest.mark.parametrize("field", ["name", "version", "kind", "licence"])
def test_a_model_is_not_published_without_its_papers(tmp_path: Path, field: str) -> None:
    incomplete = papers("drums")
    del incomplete[field]
    with pytest.raises(ModelMismatch, match=field):
        publish(tiny_network(tmp_path / "new.onnx", 1), incomplete, manifest=tmp_path / "manifest.toml")


names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


@given(rows=st.dictionaries(names, st.tuples(st.sampled_from(["drums", "beats"]), st.text(max_size=12)), max_size=4))
def test_a_manifest_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    path = folder / "manifest.toml"
    (folder / "x.bin").write_bytes(b"x")
    for name, (kind, licence) in rows.items():
        described = {"name": name, "version": "1.0", "kind": kind, "licence": licence}
        entry = publish(folder / "x.bin", described, manifest=path)
        assert entry in Manifest.read(path).entries
    assert len(Manifest.read(path).entries if rows else ()) == len(rows)


# -------------------------------------------------------------------------------------------------- pulling


def test_what_is_pulled_can_be_loaded_and_nothing_else_lies_beside(remote: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(WeightsNotFound, match="models pull"):
        load_models(manifest=remote, cache=cache)
    pulled = pull("default", cache=cache, manifest=remote)
    assert [path.name for path in pulled] == ["drums-1.0.0.onnx", "beats-1.0.0.onnx"]
    assert load_models(manifest=remote, cache=cache).refs == ("drums@1.0.0", "beats@1.0.0")
    files = ["beats-1.0.0.json", "beats-1.0.0.onnx", "drums-1.0.0.json", "drums-1.0.0.onnx"]
    assert sorted(path.name for path in cache.iterdir()) == files


def test_a_pulled_network_is_fetched_once_and_again_only_when_damaged(remote: Path, manifest: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    pull("default", cache=cache, manifest=remote)
    (cache / "drums-1.0.0.onnx").write_bytes(b"damaged")
    pull("default", cache=cache, manifest=remote)
    assert not any(found.problem for found in verify(manifest=remote, cache=cache))
    for path in manifest.parent.iterdir():
        path.unlink()
    assert len(pull("default", cache=cache, manifest=remote, offline=True)) == 2


def test_what_ships_needs_no_pull(manifest: Path, tmp_path: Path) -> None:
    assert pull("drums@1.0.0", cache=tmp_path / "cache", manifest=manifest) == (manifest.with_name("drums-1.0.0.onnx"),)
    assert not (tmp_path / "cache").exists()


def test_the_wrong_bytes_never_reach_the_cache(remote: Path, manifest: Path, tmp_path: Path) -> None:
    manifest.with_name("drums-1.0.0.onnx").write_bytes(b"something else")
    with pytest.raises(WeightsCorrupt, match="damaged"):
        pull("drums@1.0.0", cache=tmp_path / "cache", manifest=remote)
    assert not list(tmp_path.glob("cache/*"))


def test_offline_says_what_is_missing(remote: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="offline"):
        pull("default", cache=tmp_path / "cache", manifest=remote, offline=True)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://example.org/models", UnsupportedUrl),
        ("ftp://example.org/models", UnsupportedUrl),
        ("https:///models", UnsupportedUrl),
        ("https://127.0.0.1/models", ForbiddenAddress),
        ("https://localhost:8443/models", ForbiddenAddress),
        ("https://10.1.2.3/models", ForbiddenAddress),
        ("https://169.254.169.254/models", ForbiddenAddress),
        ("https://[::1]/models", ForbiddenAddress),
        ("https://[::ffff:192.168.0.1]/models", ForbiddenAddress),
        ("https://no-such-host.invalid/models", DownloadFailed),
    ],
)
def test_only_public_https_servers_are_asked(remote: Path, tmp_path: Path, url: str, error: type[Exception]) -> None:
    known = remote.read_text()
    old = next(line for line in known.splitlines() if line.startswith("url"))
    remote.write_text(known.replace(old, f'url = "{url}"'))
    with pytest.raises(error):
        pull("default", cache=tmp_path / "cache", manifest=remote)


@pytest.mark.parametrize("literal", ["93.184.216.34", "2606:4700:4700::1111"])
def test_a_public_address_is_returned_as_it_is(literal: str) -> None:
    assert public_address(literal) == literal


def test_a_shipped_manifest_is_whole() -> None:
    """Whatever the package ships is there, unchanged, and described."""
    for found in verify():
        assert not found.problem or found.entry.url, f"{found.entry.ref} is {found.problem}"
        if found.folder:
            described = json.loads((found.folder / found.entry.config.file).read_text())
            assert described["licence"] == found.entry.licence
            assert found.entry.network.size <= 12_000_000


@pytest.mark.parametrize(
    ("field", "value"), [("name", "../../evil"), ("name", "Drums"), ("version", "v1"), ("version", "1-own"), ("kind", "x")]
)
def test_a_model_that_calls_itself_impossibly_is_not_published(field: str, value: str, tmp_path: Path) -> None:
    network = tmp_path / "n.onnx"
    network.write_bytes(b"x")
    config = {"name": "drums", "version": "9", "kind": "drums", "licence": "MIT"} | {field: value}
    folder = tmp_path / "list"
    folder.mkdir()
    with pytest.raises(ModelMismatch, match="cannot be called"):
        publish(network, config, manifest=folder / "manifest.toml")
    assert list(folder.iterdir()) == []


def test_what_ships_tells_nothing_of_the_machine_it_was_made_on() -> None:
    for path in SHIPPED.parent.glob("*.onnx"):
        content = path.read_bytes()
        assert b"Traceback" not in content, path.name
        assert b"networks.py" not in content, path.name
        assert b"separator_network.py" not in content, path.name
