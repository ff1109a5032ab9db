"""deploy/s3: what a bucket is given is accepted by a store, and leaves the storage exactly the rights that it needs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from drumscribe.service.errors import StorageUnavailable
from drumscribe.service.settings import Settings
from drumscribe.service.storage.s3 import PART, S3StorageBackend

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "s3"
BUCKET = "drumscribe-artifacts"
ORIGIN = "https://drums.example.org"
REGION = "us-east-1"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("apply_to_bucket", FOLDER / "apply.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environment(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def owner(store: str, environment: None) -> Any:
    client = boto3.client("s3", endpoint_url=store)
    client.create_bucket(Bucket=BUCKET)
    return client


def test_the_script_gives_the_bucket_everything(store: str, owner: Any) -> None:
    for _ in range(2):
        command = [sys.executable, str(FOLDER / "apply.py"), BUCKET, "--origin", ORIGIN, "--endpoint-url", store]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stderr == ""
    wanted = json.loads((FOLDER / "lifecycle.json").read_text("utf-8"))["Rules"]
    given = owner.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [plain(rule) for rule in given] == [plain(rule) for rule in wanted]
    [encrypted] = owner.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encrypted["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert all(owner.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert owner.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    [cors] = owner.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert cors["AllowedOrigins"] == [ORIGIN]
    policy = json.loads(owner.get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert all(statement["Effect"] == "Deny" for statement in policy["Statement"])
    assert BUCKET in json.dumps(policy)
    assert "BUCKET" not in json.dumps(policy)


def plain(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if value not in ({}, [], None)}


def test_no_rule_takes_a_file_that_the_service_still_knows() -> None:
    """A new version renews a job's time and needs the files of its first: age says nothing about them."""
    for rule in json.loads((FOLDER / "lifecycle.json").read_text("utf-8"))["Rules"]:
        assert rule.get("Expiration", {}).keys() <= {"ExpiredObjectDeleteMarker"}
        assert rule["Filter"] == {"Prefix": f"{Settings.model_fields['S3_PREFIX'].default}/"}


def test_a_prefix_of_ones_own_goes_into_every_document() -> None:
    module = script()
    for prefix, begins in {"drums/live": "drums/live/", "": ""}.items():
        rules = module.document("lifecycle.json", BUCKET, prefix)["Rules"]
        assert {rule["Filter"]["Prefix"] for rule in rules} == {begins}
        resources = [statement["Resource"] for statement in module.document("role-policy.json", BUCKET, prefix)["Statement"]]
        assert resources == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/{begins}*"]


def test_what_a_store_does_not_know_is_named_and_the_rest_applied(owner: Any, store: str) -> None:
    """As R2 answers, which has neither versions nor policies."""

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "NotImplemented", "Message": "…"}}, "Put")

    client = boto3.client("s3", endpoint_url=store)
    client.put_bucket_versioning = client.put_bucket_policy = refuse
    assert script().apply(client, BUCKET, "artifacts", [ORIGIN]) == ["versions", "policy"]
    assert owner.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]


def role(policy: dict[str, Any]) -> tuple[str, str]:
    """Keys of a user who has this policy and no other. Who may list a bucket may ask for its head, which moto does not know."""
    text = json.dumps(policy).replace('"s3:ListBucket"', '"s3:ListBucket", "s3:HeadBucket"')
    iam = boto3.client("iam", region_name=REGION)
    name = f"service-{uuid4()}"
    iam.create_user(UserName=name)
    made = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=made)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    return keys["AccessKeyId"], keys["SecretAccessKey"]


def storage(keys: tuple[str, str], folder: Path) -> S3StorageBackend:
    return S3StorageBackend(BUCKET, "artifacts", REGION, "", *keys, cache_dir=folder)


def work(backend: S3StorageBackend) -> None:
    """Everything that the service asks of a storage."""
    job = str(uuid4())
    backend.check()
    backend.save_file(job, 1, "hits.json", b"[]", content_type="application/json")
    backend.save_file(job, 1, "audio.flac", bytes(PART + 1))
    assert backend.read_file(job, 1, "hits.json") == b"[]"
    assert backend.file_size(job, 1, "audio.flac") == PART + 1
    assert not backend.file_exists(job, 1, "nothing.json")
    assert [file.name for file in backend.list_job_files(job)] == ["audio.flac", "hits.json"]
    assert job in set(backend.iter_job_ids())
    with backend.get_file_path(job, 1, "hits.json") as path:
        assert path.read_bytes() == b"[]"
    with pytest.raises(OSError, match="broke off"):
        backend.save_file(job, 1, "drums.wav", BreaksOff())
    assert backend.delete_job_artifacts(job) == 2
    backend.purge_incoming(0)
    assert not s3_backends["123456789012"]["aws"].buckets[BUCKET].multiparts, "pieces of an upload were left"


class BreaksOff:
    """An upload whose sender goes away after two parts."""

    def __init__(self) -> None:
        self._left = 2 * PART

    def read(self, size: int, /) -> bytes:
        if self._left <= 0:
            raise OSError("broke off")
        self._left -= size
        return bytes(size)


def test_the_role_of_the_service_suffices_and_nothing_in_it_is_too_much(tmp_path: Path, environment_of_aws: None) -> None:
    policy = script().document("role-policy.json", BUCKET, "artifacts")
    with mock_aws():
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
        keys = role(policy)
        less = {}
        for statement in policy["Statement"]:
            for action in statement["Action"]:
                smaller = [{**one, "Action": [name for name in one["Action"] if name != action]} for one in policy["Statement"]]
                less[action] = role({**policy, "Statement": [one for one in smaller if one["Action"]]})

        @set_initial_no_auth_action_count(0)
        def with_rights_checked() -> None:
            work(storage(keys, tmp_path / "all"))
            for action, fewer in less.items():
                with pytest.raises((StorageUnavailable, AssertionError)):
                    work(storage(fewer, tmp_path / action))
            client = boto3.client("s3", region_name=REGION, aws_access_key_id=keys[0], aws_secret_access_key=keys[1])
            for forbidden in (client.delete_bucket, client.get_bucket_policy):
                with pytest.raises(ClientError, match="AccessDenied"):
                    forbidden(Bucket=BUCKET)

        with_rights_checked()


@pytest.fixture
def environment_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
