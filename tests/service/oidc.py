"""A small OpenID provider on 127.0.0.1: discovery, keys, and tokens as its users would bring them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "drumscribe-clients"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class OpenIdProvider:
    """Signs with `keys`; publishes those in `published`; counts what it was asked for."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}/realms/band"
        self.keys: dict[str, Key] = {
            "rsa-1": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ec-1": ec.generate_private_key(ec.SECP256R1()),
        }
        self.published = list(self.keys)
        self.claims_to_be = self.issuer
        self.fails = False
        self.asked: list[str] = []

    def token(self, *, key: str = "rsa-1", algorithm: str = "", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is right but for what is said otherwise; a claim that is None is left out."""
        now = datetime.now(UTC)
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + timedelta(minutes=5)} | claims
        said = {name: value for name, value in said.items() if value is not None}
        header = {name: value for name, value in ({"kid": key} | (headers or {})).items() if value is not None}
        algorithm = algorithm or ("ES256" if key.startswith("ec") else "RS256")
        return jwt.encode(said, self.keys[key], algorithm, headers=header)

    def answer(self, path: str) -> dict[str, Any] | None:
        """What lies at a path."""
        if path == "/realms/band/.well-known/openid-configuration":
            return {"issuer": self.claims_to_be, "jwks_uri": f"{self.issuer}/keys"}
        if path == "/realms/band/keys":
            return {"keys": [self._jwk(name) for name in self.published]}
        return None

    def _jwk(self, name: str) -> dict[str, Any]:
        key = self.keys[name]
        public = (
            RSAAlgorithm.to_jwk(key.public_key()) if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm.to_jwk(key.public_key())
        )
        return json.loads(public) | {"kid": name, "use": "sig"}


def forged(claims: dict[str, Any], header: dict[str, Any], signature: bytes) -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@contextmanager
def open_id_provider() -> Generator[OpenIdProvider]:
    """Run a provider while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            answer = provider.answer(self.path)
            self.send_response(503 if provider.fails else 404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = OpenIdProvider(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join(5)
