"""Gives a bucket what DrumScribe wants of it: encryption, no public access, versions, life cycle, CORS, TLS only.

    python deploy/s3/apply.py BUCKET --origin https://drumscribe.example.com [--prefix artifacts] [--endpoint-url URL]

It needs boto3 (the extra `service` brings it) and credentials that may change the bucket, which those of the service may not.
What a store does not know (R2 has no versions and no policies) is named and left out. Applied again, it changes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
_UNKNOWN = frozenset({"NotImplemented", "MethodNotAllowed", "InvalidStorageClass", "MalformedXML", "501"})


def document(name: str, bucket: str, prefix: str) -> Any:
    """One of the files beside this one, for a bucket and the prefix of its keys (`S3_PREFIX`)."""
    text = (HERE / name).read_text("utf-8").replace("artifacts/", f"{prefix.strip('/')}/".lstrip("/"))
    return json.loads(text.replace("BUCKET", bucket))


def apply(client: Any, bucket: str, prefix: str, origins: list[str]) -> list[str]:
    """Apply everything; returns what the store does not know."""
    cors = document("cors.json", bucket, prefix)
    cors["CORSRules"][0]["AllowedOrigins"] = origins
    steps: dict[str, Callable[[], Any]] = {
        "encryption": lambda: client.put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration=document("encryption.json", bucket, prefix)
        ),
        "public access": lambda: client.put_public_access_block(
            Bucket=bucket, PublicAccessBlockConfiguration=document("public-access.json", bucket, prefix)
        ),
        "versions": lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        "life cycle": lambda: client.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=document("lifecycle.json", bucket, prefix)
        ),
        "CORS": lambda: client.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors),
        "policy": lambda: client.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps(document("bucket-policy.json", bucket, prefix))
        ),
    }
    unknown = []
    for name, step in steps.items():
        try:
            step()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN:
                raise
            unknown.append(name)
    return unknown


def main() -> int:
    """Read the command line and apply."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bucket")
    parser.add_argument("--origin", action="append", required=True, help="where the web app is; may be given several times")
    parser.add_argument("--prefix", default="artifacts", help="S3_PREFIX")
    parser.add_argument("--endpoint-url")
    parser.add_argument("--region")
    given = parser.parse_args()
    client = boto3.client("s3", endpoint_url=given.endpoint_url, region_name=given.region)
    for name in apply(client, given.bucket, given.prefix, given.origin):
        print(f"This store has no {name}; left out.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
