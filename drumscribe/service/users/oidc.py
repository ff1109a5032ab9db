"""Access tokens of an OpenID provider: found by its discovery document, checked by its published keys."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from drumscribe.service.errors import IdentityProviderUnavailable

#: Asymmetric only: a public key must never be taken for a shared secret.
ALGORITHMS = ("RS256", "ES256")
_LEEWAY_S = 30
_TIMEOUT_S = 5.0
#: A provider that did not answer is left alone for so long.
_PAUSE_S = 5.0


class Provider:
    """One OpenID provider. Its document and keys are fetched when first needed, and kept."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._keys: jwt.PyJWKClient | None = None
        self._failed_at = -_PAUSE_S
        self._lock = threading.Lock()

    def read(self, token: str, *, audience: str) -> dict[str, Any] | None:
        """Check a token and give its claims. None: it is not valid.

        Raises
        ------
        IdentityProviderUnavailable
            If the keys have to be fetched and cannot be.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
                return None
            key = self._key(str(header["kid"]))
            if key is None:
                return None
            return jwt.decode(
                token,
                key,
                algorithms=[str(header["alg"])],
                issuer=self.issuer,
                audience=audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None

    def _key(self, key_id: str) -> jwt.PyJWK | None:
        with self._lock:  # of many who come while it is away, one waits for it, and the rest are told
            if time.monotonic() - self._failed_at < _PAUSE_S:
                raise IdentityProviderUnavailable("The identity provider cannot be reached; try again shortly.")
            try:
                if self._keys is None:
                    self._keys = jwt.PyJWKClient(self._discover(), timeout=_TIMEOUT_S, lifespan=3600)
                return self._keys.get_signing_key(key_id)
            except (jwt.PyJWKClientConnectionError, httpx.HTTPError) as error:
                self._failed_at = time.monotonic()
                raise IdentityProviderUnavailable("The identity provider cannot be reached; try again shortly.") from error
            except jwt.PyJWKClientError:
                return None
            except (jwt.PyJWKSetError, ValueError) as error:
                self._failed_at = time.monotonic()
                raise IdentityProviderUnavailable("The identity provider's keys cannot be read.") from error

    def _discover(self) -> str:
        answer = httpx.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", timeout=_TIMEOUT_S)
        document = answer.raise_for_status().json()
        if not isinstance(document, dict) or document.get("issuer") != self.issuer:
            raise ValueError(f"the discovery document is not that of {self.issuer}")
        address = str(document.get("jwks_uri"))
        if urlsplit(self.issuer).scheme == "https" and urlsplit(address).scheme != "https":
            raise ValueError(f"keys at {address} are not protected")
        return address


@lru_cache(maxsize=4)
def provider(issuer: str) -> Provider:
    """The provider of that name, one per process, with the keys it already has."""
    return Provider(issuer)
