"""Where sound and networks come from: links, separated stems, the operator's model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from demucs_weights import write_demucs_weights
from songs import DEMO, enter, look, take_through

from drumscribe.audio import load_audio, save_wav
from drumscribe.service.models import usable_models
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import Services, build
from drumscribe.types import Audio


def with_settings(settings: Settings, **changes: object) -> Services:
    return build(settings.model_copy(update=changes))


def clip(seconds: float = 6.0) -> Audio:
    song = load_audio(DEMO)
    return Audio(song.samples[:, : int(seconds * song.sample_rate)].copy(), song.sample_rate)


# ---------------------------------------------------------------------------------------------- links


def test_a_link_becomes_a_recording_with_its_title(settings: Settings, site: tuple[Path, str]) -> None:
    folder, endpoint = site
    (folder / "night_train.wav").write_bytes(save_wav(clip()))
    services = with_settings(settings, YOUTUBE_ANY_SITE=True, YOUTUBE_ALLOWED_ENDPOINTS=(endpoint,))
    link = f"http://{endpoint}/night_train.wav"
    job_id = enter(services, input_type="youtube", youtube_url=link, original_filename=None, input_name=None)
    job = take_through(services, job_id)
    assert (job.status, job.error_message) == ("completed", None)
    assert "night_train" in job.title
    assert job.duration_seconds == pytest.approx(6.0, abs=0.1)
    assert job.input_name is not None
    assert services.storage.file_exists(job_id, 1, job.input_name)
    services.close()


def test_a_link_that_leads_nowhere_is_tried_again_and_then_says_why(settings: Settings, site: tuple[Path, str]) -> None:
    _, endpoint = site
    changes = {
        "YOUTUBE_ANY_SITE": True,
        "YOUTUBE_ALLOWED_ENDPOINTS": (endpoint,),
        "JOB_MAX_ATTEMPTS": 2,
        "JOB_RETRY_BASE_SECONDS": 0.0,
    }
    services = with_settings(settings, **changes)
    job_id = enter(services, input_type="youtube", youtube_url=f"http://{endpoint}/gone.wav", input_name=None)
    take_through(services, job_id)
    take_through(services, job_id)
    job = look(services, job_id)
    assert (job.status, job.error_stage) == ("failed", "ingest")
    assert job.error_code in ("download_failed", "unsupported_url")
    services.close()


def test_a_link_into_the_network_of_the_server_is_refused_when_it_is_fetched(settings: Settings, site: tuple[Path, str]) -> None:
    _, endpoint = site
    services = with_settings(settings, YOUTUBE_ANY_SITE=True)
    job_id = enter(services, input_type="youtube", youtube_url=f"http://{endpoint}/x.wav", input_name=None)
    job = take_through(services, job_id)
    assert (job.status, job.error_code) == ("failed", "forbidden_address")
    services.close()


# ---------------------------------------------------------------------------------------------- stems


@pytest.mark.parametrize("backend", ["light", "demucs"])
def test_separation_leaves_drums_and_the_rest_that_add_up_to_the_song(backend: str, settings: Settings, tmp_path: Path) -> None:
    weights = "htdemucs"
    if backend == "demucs":
        pytest.importorskip("demucs", reason="demucs is not installed: pip install 'drumscribe[demucs]'")
        write_demucs_weights(tmp_path)
        weights = str(next(tmp_path.glob("aaaaaaaa-*.th")))
    services = with_settings(settings, SEPARATION_MODEL=weights)
    job_id = enter(services, save_wav(clip()), filename="song.wav", separation=backend)
    job = take_through(services, job_id)
    assert (job.status, job.error_message) == ("completed", None)
    sound = {}
    for name in ("audio.flac", "drums.wav", "drumless.flac"):
        with services.storage.get_file_path(job_id, 1, name) as path:
            sound[name] = load_audio(path).samples
    added = sound["drums.wav"] + sound["drumless.flac"]
    length = min(added.shape[1], sound["audio.flac"].shape[1])
    mix, added = sound["audio.flac"][:, :length], added[:, :length]
    gain = float((mix * added).sum() / (mix * mix).sum())
    assert float(np.abs(added - gain * mix).max()) < 1e-3
    services.close()


# ---------------------------------------------------------------------------------------------- networks


def test_the_operators_model_is_fetched_checked_and_named_in_the_result(settings: Settings, site: tuple[Path, str]) -> None:
    folder, endpoint = site
    shipped = Path(__file__).resolve().parents[2] / "drumscribe" / "weights"
    config = (shipped / "drums-1.0.0.json").read_text("utf-8").replace('"version": "1.0.0"', '"version": "1.0.1"')
    (folder / "own.onnx").write_bytes((shipped / "drums-1.0.0.onnx").read_bytes())
    (folder / "own.json").write_text(config, "utf-8")
    hashes = ",".join(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("own.onnx", "own.json"))
    services = with_settings(settings, MODEL_URI=f"http://{endpoint}/own.onnx", MODEL_VERSION="v7", MODEL_SHA256=hashes)
    job = take_through(services, enter(services, save_wav(clip()), filename="song.wav"))
    assert (job.status, job.error_message) == ("completed", None)
    assert "drums@1.0.1" in (job.model_version or "")
    services.close()


def test_a_model_whose_hash_is_another_is_not_used(settings: Settings, site: tuple[Path, str]) -> None:
    folder, endpoint = site
    (folder / "other.onnx").write_bytes(b"something else")
    (folder / "other.json").write_text("{}")
    changes = {"MODEL_URI": f"http://{endpoint}/other.onnx", "MODEL_VERSION": "v8", "MODEL_SHA256": ",".join(["0" * 64] * 2)}
    services = with_settings(settings, **changes, JOB_MAX_ATTEMPTS=1)
    job = take_through(services, enter(services, save_wav(clip()), filename="song.wav"))
    assert (job.status, job.error_code, job.error_stage) == ("failed", "weights_corrupt", "prediction")
    services.close()


@pytest.mark.shared
def test_annoteator_runs_as_a_job_once_its_file_is_named(settings: Settings, shared: Path) -> None:
    file = shared / "models" / "annoteator" / "complete_network.h5"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    services = with_settings(settings, MODEL_URI=str(file), MODEL_VERSION="v1.0.0", MODEL_SHA256=digest)
    job = take_through(services, enter(services, save_wav(clip(8.0)), filename="song.wav"))
    assert (job.status, job.error_message) == ("completed", None)
    assert "annoteator@" in (job.model_version or "")
    named = take_through(services, enter(services, save_wav(clip(8.0)), filename="song.wav", model="annoteator"))
    assert named.status == "completed"
    assert any(model.name == "annoteator" for model in usable_models(services.settings))
    services.close()
