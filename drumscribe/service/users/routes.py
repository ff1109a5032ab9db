"""Signing in, accounts and keys over HTTP.

Tokens travel in bodies, never in cookies: whoever runs pages in browsers keeps them there as it sees fit.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from drumscribe.service.api.deps import WithServices, get_caller
from drumscribe.service.api.problems import declared
from drumscribe.service.database import Sessions
from drumscribe.service.errors import (
    AccountsDisabled,
    Forbidden,
    InvalidCredentials,
    KeyNotFound,
    SignupClosed,
    StorageUnavailable,
    Unauthenticated,
    WrongPassword,
)
from drumscribe.service.tables import User
from drumscribe.service.users import actions, passwords, queries
from drumscribe.service.users.identity import KEYS_WRITE, Caller, caller_address
from drumscribe.service.users.schemas import (
    CallerResponse,
    ChangePasswordRequest,
    CreateKeyRequest,
    DeleteAccountRequest,
    EntranceResponse,
    KeyCreatedResponse,
    KeyListResponse,
    KeyResponse,
    LoginRequest,
    RefreshRequest,
    RegisterRequest,
    TokenResponse,
)
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

router = APIRouter()

Calling = Annotated[Caller, Depends(get_caller)]


def with_accounts(services: WithServices) -> Services:
    """Services of an installation that has accounts."""
    if services.settings.AUTH_MODE != "jwt":
        raise AccountsDisabled("This installation has no accounts.")
    return services


WithAccounts = Annotated[Services, Depends(with_accounts)]


@router.get("/auth", tags=["auth"], operation_id="getEntrance")
async def get_entrance(services: WithServices) -> EntranceResponse:
    """How one gets in here: the one thing that pages must know before anybody has signed in."""
    return EntranceResponse.of(services.settings)


# ---------------------------------------------------------------------------------------------- accounts


@router.post("/auth/register", status_code=201, tags=["auth"], operation_id="register", responses=declared(403, 404, 409, 429))
def register(wanted: RegisterRequest, request: Request, response: Response, services: WithAccounts) -> TokenResponse:
    """Make an account and sign in."""
    if not services.settings.ALLOW_SIGNUP:
        raise SignupClosed("Accounts are made by the operator of this installation.")
    with services.sessions.write() as session:
        actions.count_signup(session, address=_address(request, services))
    password_hash = passwords.hash_password(wanted.password.get_secret_value())
    with services.sessions.write() as session:
        user = actions.create_user(session, email=wanted.email, name=wanted.name, password_hash=password_hash)
        return _issued(actions.sign_in(session, services.settings, user), response)


@router.post("/auth/login", tags=["auth"], operation_id="login", responses=declared(401, 404, 429))
def login(given: LoginRequest, request: Request, response: Response, services: WithAccounts) -> TokenResponse:
    """Sign in with e-mail and password."""
    address = _address(request, services)
    password = given.password.get_secret_value()
    user = _check_password(services.sessions, given.email, password, address)
    if user is None:
        raise InvalidCredentials("E-mail or password is wrong.", challenge="Bearer")
    outdated = user.password_hash is not None and passwords.is_outdated(user.password_hash)
    fresh = passwords.hash_password(password) if outdated else None
    with services.sessions.write() as session:
        if fresh is not None:
            actions.replace_hash(session, user, fresh)
        return _issued(actions.sign_in(session, services.settings, user), response)


@router.post("/auth/refresh", tags=["auth"], operation_id="refresh", responses=declared(401, 404))
def refresh(given: RefreshRequest, response: Response, services: WithAccounts) -> TokenResponse:
    """Get the next pair of tokens. A refresh token works once; using one again ends its session."""
    with services.sessions.write() as session:
        tokens = actions.renew(session, services.settings, given.refresh_token)
    if tokens is None:
        raise Unauthenticated("The session has ended; sign in again.", challenge='Bearer error="invalid_token"')
    return _issued(tokens, response)


@router.post("/auth/logout", status_code=204, tags=["auth"], operation_id="logout", responses=declared(404))
def logout(given: RefreshRequest, services: WithAccounts) -> None:
    """Sign out. Its access tokens are refused from now on; a session that has ended already is no error."""
    with services.sessions.write() as session:
        actions.sign_out(session, given.refresh_token)


@router.get("/auth/me", tags=["auth"], operation_id="me", responses=declared(401))
def me(caller: Calling, services: WithServices) -> CallerResponse:
    """Who the API takes you for."""
    user = None
    if caller.user_id is not None:
        with services.sessions.read() as session:
            user = queries.user_by_id(session, caller.user_id)
    return CallerResponse.of(caller, user)


@router.post("/auth/password", tags=["auth"], operation_id="changePassword", responses=declared(401, 403, 404, 429))
def change_password(
    wanted: ChangePasswordRequest, request: Request, response: Response, caller: Calling, services: WithAccounts
) -> TokenResponse:
    """Change the password. All sessions end; the answer opens a new one."""
    user = _owner(services.sessions, caller)
    _confirm(services, request, user, wanted.current_password.get_secret_value())
    password_hash = passwords.hash_password(wanted.new_password.get_secret_value())
    with services.sessions.write() as session:
        actions.replace_hash(session, user, password_hash)
        actions.sign_out_everywhere(session, user.id)
        return _issued(actions.sign_in(session, services.settings, user), response)


@router.post(
    "/auth/me/delete", status_code=204, tags=["auth"], operation_id="deleteAccount", responses=declared(401, 403, 404, 429)
)
def delete_account(given: DeleteAccountRequest, request: Request, caller: Calling, services: WithAccounts) -> None:
    """Delete the account with its keys and jobs, and everything these made."""
    user = _owner(services.sessions, caller)
    if user.password_hash is not None:
        _confirm(services, request, user, "" if given.password is None else given.password.get_secret_value())
    with services.sessions.write() as session:
        job_ids = actions.close_account(session, user.id)
    try:
        for job_id in job_ids:
            services.storage.delete_job_artifacts(job_id)
    except StorageUnavailable as error:
        log.warning("purge_left_to_cleanup", jobs=len(job_ids), error=str(error))


# ---------------------------------------------------------------------------------------------- keys


@router.get("/keys", tags=["keys"], operation_id="listKeys", responses=declared(401, 403))
def list_keys(caller: Calling, services: WithServices) -> KeyListResponse:
    """The keys of your account."""
    user_id = _owner_of_keys(caller)
    with services.sessions.read() as session:
        return KeyListResponse(items=[KeyResponse.of(key) for key in queries.keys_of(session, user_id)])


@router.post("/keys", status_code=201, tags=["keys"], operation_id="createKey", responses=declared(401, 403, 409))
def create_key(wanted: CreateKeyRequest, response: Response, caller: Calling, services: WithServices) -> KeyCreatedResponse:
    """Make a key. It can be allowed no more than you are."""
    user_id = _owner_of_keys(caller)
    for scope in wanted.scopes:
        caller.demand(scope)
    with services.sessions.write() as session:
        key, secret = actions.create_key(
            session, user_id=user_id, name=wanted.name, scopes=frozenset(wanted.scopes), expires_at=wanted.expires_at
        )
        response.headers["Cache-Control"] = "no-store"
        return KeyCreatedResponse(**KeyResponse.of(key).model_dump(), key=secret)


@router.delete("/keys/{key_id}", status_code=204, tags=["keys"], operation_id="revokeKey", responses=declared(401, 403, 404))
def revoke_key(key_id: str, caller: Calling, services: WithServices) -> None:
    """Let a key open nothing from now on."""
    user_id = _owner_of_keys(caller)
    with services.sessions.write() as session:
        key = queries.key_by_id(session, key_id)
        if key is None or key.user_id != user_id:
            raise KeyNotFound("You have no such key.")
        actions.revoke_key(session, key)


# ---------------------------------------------------------------------------------------------- the parts


def _owner_of_keys(caller: Caller) -> str:
    caller.demand(KEYS_WRITE)
    if caller.user_id is None:
        raise Forbidden("Keys belong to accounts, and you have none; the operator makes other keys.")
    return caller.user_id


def _owner(sessions: Sessions, caller: Caller) -> User:
    caller.demand(KEYS_WRITE)
    with sessions.read() as session:
        user = None if caller.user_id is None else queries.user_by_id(session, caller.user_id)
    if user is None:
        raise Forbidden("Your credentials do not belong to an account.")
    return user


def _check_password(sessions: Sessions, email: str, password: str, address: str) -> User | None:
    with sessions.write() as session:
        actions.count_login(session, email=email, address=address)
        user = queries.user_by_email(session, email)
    is_right = passwords.matches(None if user is None else user.password_hash, password)
    if user is None or not is_right or not user.is_active:
        return None
    with sessions.write() as session:
        actions.forgive(session, email=email, address=address)
    return user


def _confirm(services: Services, request: Request, user: User, password: str) -> None:
    address = _address(request, services)
    if user.email is None or _check_password(services.sessions, user.email, password, address) is None:
        raise WrongPassword("The password is wrong.")


def _address(request: Request, services: Services) -> str:
    host = request.client.host if request.client else None
    return caller_address(request.headers, host, services.settings.trusted_networks)


def _issued(tokens: actions.Tokens, response: Response) -> TokenResponse:
    response.headers["Cache-Control"] = "no-store"
    return TokenResponse.of(tokens)
