"""What travels over HTTP about users and keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from drumscribe.service.settings import Settings
from drumscribe.service.tables import ApiKey, User
from drumscribe.service.users.actions import Tokens, normal_email
from drumscribe.service.users.identity import Caller
from drumscribe.service.users.passwords import LONGEST, SHORTEST

Scope = Literal["jobs:read", "jobs:write", "keys:write", "admin"]


def _printable(text: str) -> str:
    text = text.strip()
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _encodable(secret: SecretStr) -> SecretStr:
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be text") from error  # JSON can spell half a character
    return secret


def _future(moment: datetime) -> datetime:
    if moment <= datetime.now(UTC):
        raise ValueError("must lie in the future")
    return moment


Email = Annotated[str, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(normal_email)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=SHORTEST, max_length=LONGEST, description=f"{SHORTEST} to {LONGEST} characters."),
    AfterValidator(_encodable),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST), AfterValidator(_encodable)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegisterRequest(_Request):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name = ""


class LoginRequest(_Request):
    """Somebody with an account."""

    email: Email
    password: Password


class RefreshRequest(_Request):
    """A refresh token."""

    refresh_token: str = Field(min_length=1, max_length=4000)


class ChangePasswordRequest(_Request):
    """The old password and the new."""

    current_password: Password
    new_password: NewPassword


class DeleteAccountRequest(_Request):
    """The password once more; accounts that sign in elsewhere have none."""

    password: Password | None = None


class EntranceResponse(BaseModel):
    """How one gets in here."""

    auth_mode: Literal["none", "keys", "jwt"] = Field(description="none: no credentials; keys: API keys; jwt: accounts and keys.")
    allows_signup: bool = Field(description="Whether anyone may make an account.")
    shortest_password: int = Field(description="Characters that a new password has at least.")
    longest_password: int = Field(description="And at most.")
    oidc_issuer: str | None = Field(description="The OpenID provider whose access tokens are accepted too.")

    @classmethod
    def of(cls, settings: Settings) -> EntranceResponse:
        """From what the operator decided."""
        has_accounts = settings.AUTH_MODE == "jwt"
        return cls(
            auth_mode=settings.AUTH_MODE,
            allows_signup=has_accounts and settings.ALLOW_SIGNUP,
            shortest_password=SHORTEST,
            longest_password=LONGEST,
            oidc_issuer=(settings.OIDC_ISSUER or None) if has_accounts else None,
        )


class UserResponse(BaseModel):
    """An account as its owner sees it."""

    id: str
    email: str | None
    name: str
    has_password: bool = Field(description="False: signs in through the OpenID provider.")
    is_admin: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> UserResponse:
        """From its row."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            has_password=user.password_hash is not None,
            is_admin=user.is_admin,
            created_at=user.created_at,
        )


class TokenResponse(BaseModel):
    """What signing in gives."""

    access_token: str = Field(description="For `Authorization: Bearer`.")
    refresh_token: str = Field(description="For one use at `/auth/refresh`. Using one again ends the session.")
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="Seconds that the access token lives.")
    session_expires_in: int = Field(description="Seconds that the session lives if it is not renewed.")
    user: UserResponse

    @classmethod
    def of(cls, tokens: Tokens) -> TokenResponse:
        """From what was issued."""
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
            session_expires_in=tokens.session_expires_in,
            user=UserResponse.of(tokens.user),
        )


class CallerResponse(BaseModel):
    """Who the API takes the caller for."""

    identifier: str = Field(description="What limits count by.")
    anonymous: bool
    scopes: list[str]
    is_admin: bool
    user: UserResponse | None

    @classmethod
    def of(cls, caller: Caller, user: User | None) -> CallerResponse:
        """From the caller and, if there is one, the account."""
        return cls(
            identifier=caller.identifier,
            anonymous=caller.anonymous,
            scopes=sorted(caller.scopes),
            is_admin=caller.is_admin,
            user=None if user is None else UserResponse.of(user),
        )


class CreateKeyRequest(_Request):
    """A key for a program."""

    name: Name = Field(description="What it is for.", examples=["Band website"])
    scopes: list[Scope] = Field(default=["jobs:read", "jobs:write"], min_length=1, max_length=8)
    expires_at: Annotated[AwareDatetime, AfterValidator(_future)] | None = Field(None, description="Null: never.")


class KeyResponse(BaseModel):
    """A key, without the key itself."""

    id: str
    name: str
    prefix: str = Field(description="Its first characters.")
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To about a minute.")
    expires_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyResponse:
        """From its row."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=key.scopes,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
        )


class KeyCreatedResponse(KeyResponse):
    """A new key."""

    key: str = Field(description="The key. It is shown this once.")


class KeyListResponse(BaseModel):
    """The keys in force, newest first."""

    items: list[KeyResponse]
