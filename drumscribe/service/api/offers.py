"""What this server offers: its limits, its formats, its models."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from drumscribe.service.api.deps import Reader, WithServices
from drumscribe.service.api.problems import declared
from drumscribe.service.jobs.downloads import FORMATS
from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.jobs.uploads import EXTENSIONS
from drumscribe.service.settings import Settings

router = APIRouter(tags=["offers"])

_FRESH_S = 30.0
_TIMEOUT_S = 20.0


class Limits(BaseModel):
    """What is accepted here."""

    max_file_size_mb: int = Field(description="Largest upload, in units of 1,000,000 bytes.")
    max_duration_seconds: float
    accepted_types: list[str] = Field(description="Extensions of recordings.", examples=[["wav", "mp3"]])
    formats: list[str] = Field(description="What `/download/{format}` knows.")
    youtube_enabled: bool
    auth_mode: Literal["none", "keys", "jwt"]
    max_concurrent_jobs: int = Field(description="Unfinished jobs of one caller; 0: no limit.")
    max_jobs_per_hour: int = Field(description="Jobs that one caller may start within an hour; 0: no limit.")
    artifact_ttl_hours: float = Field(description="How long recordings and stems are kept after the job ends.")
    result_ttl_hours: float = Field(description="How long results are kept.")


class ModelResponse(BaseModel):
    """A set of networks that a job may name."""

    name: str = Field(examples=["default"])
    networks: list[str] = Field(examples=[["drums@1.0.0", "beats@1.0.0"]])
    vocabulary: list[str] = Field(description="The drums that it can tell apart.")
    is_default: bool = False


class ModelListResponse(BaseModel):
    """What can be named as `model`."""

    items: list[ModelResponse]


class Catalogue:
    """The usable models, asked for in the side process and remembered for a while."""

    def __init__(self, settings: Settings, side_process: SideProcess) -> None:
        self._settings, self._side_process = settings, side_process
        self._at, self._known = 0.0, list[ModelResponse]()
        self._lock = asyncio.Lock()

    async def models(self) -> list[ModelResponse]:
        """All that can be used now."""
        async with self._lock:
            if not self._known or time.monotonic() - self._at > _FRESH_S:
                found = await self._side_process.call(list_usable, self._settings, timeout_s=_TIMEOUT_S)
                self._known, self._at = [ModelResponse.model_validate(one) for one in found], time.monotonic()
            return self._known


def list_usable(settings: Settings) -> list[dict[str, object]]:
    """The part that runs in the side process."""
    from dataclasses import asdict

    from drumscribe.service.models import usable_models

    return [asdict(model) for model in usable_models(settings)]


async def get_catalogue(connection: HTTPConnection) -> Catalogue:
    """What the application was made with."""
    return connection.app.state.catalogue


@router.get("/limits", responses=declared(401, 403))
async def get_limits(services: WithServices, caller: Reader) -> Limits:
    """What is accepted here."""
    settings = services.settings
    return Limits(
        max_file_size_mb=settings.MAX_FILE_SIZE_MB,
        max_duration_seconds=settings.MAX_DURATION_SECONDS,
        accepted_types=list(EXTENSIONS),
        formats=list(FORMATS),
        youtube_enabled=settings.YOUTUBE_ENABLED,
        auth_mode=settings.AUTH_MODE,
        max_concurrent_jobs=settings.MAX_CONCURRENT_JOBS_PER_USER,
        max_jobs_per_hour=settings.jobs_per_hour,
        artifact_ttl_hours=settings.ARTIFACT_TTL_HOURS,
        result_ttl_hours=settings.RESULT_TTL_HOURS if caller.anonymous else settings.ACCOUNT_RESULT_TTL_HOURS,
    )


@router.get("/models", responses=declared(401, 403))
async def list_models(catalogue: Annotated[Catalogue, Depends(get_catalogue)], caller: Reader) -> ModelListResponse:
    """Which networks can listen."""
    return ModelListResponse(items=await catalogue.models())
