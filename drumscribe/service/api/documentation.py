"""The description of the API (OpenAPI 3.1), and the page that shows it without asking anybody else for anything."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import compile_path
from starlette.staticfiles import StaticFiles

from drumscribe.service.api.problems import MEDIA_TYPE
from drumscribe.service.jobs.schemas import JobCreate, JobFields

_ASSETS = Path(fastapi_offline.__file__).with_name("static")
_REF = "#/components/schemas/{model}"
_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"


def operation_id(route: APIRoute) -> str:
    """`create_job` becomes `createJob`: what generated clients call it."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def install(app: FastAPI) -> None:
    """Serve `/openapi.json` and `/docs`."""
    made: dict[str, Any] = {}

    def describe_once() -> dict[str, Any]:
        if not made:
            made.update(describe(app))
        return made

    app.openapi = describe_once

    async def schema(request: Request) -> Response:
        return JSONResponse(describe_once())

    async def page(request: Request) -> Response:
        shown = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
        )
        shown.headers["Content-Security-Policy"] = _POLICY
        return shown

    app.add_route("/openapi.json", schema, include_in_schema=False)
    app.add_route("/docs", page, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=_ASSETS), name="docs-assets")


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of all routes."""
    document = get_openapi(
        title=app.title, version=app.version, openapi_version="3.1.0", description=app.description, routes=app.routes
    )
    schemas: dict[str, Any] = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["JobCreate"] = JobCreate.model_json_schema(ref_template=_REF)
    upload = copy.deepcopy(JobFields.model_json_schema(ref_template=_REF))
    upload["title"] = "JobUpload"
    upload["description"] = "A job whose recording is uploaded."
    file = {"type": "string", "format": "binary", "description": "The recording.", "contentMediaType": "application/octet-stream"}
    upload["properties"] = {"file": file} | upload["properties"]
    upload["required"] = ["file"]
    for name, field in upload["properties"].items():
        if "anyOf" in field:  # a form cannot say null: what is null is left out
            kept = next(choice for choice in field["anyOf"] if choice.get("type") != "null")
            upload["properties"][name] = kept | {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    schemas["JobUpload"] = upload
    _link(document)
    for path in document["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:  # a body that is no text at all
                bad = {"description": "Bad Request", "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}
                operation["responses"].setdefault("400", bad)
            for response in operation.get("responses", {}).values():
                content = response.get("content", {})
                if MEDIA_TYPE in content:  # FastAPI describes every model as application/json
                    content[MEDIA_TYPE] = content.pop("application/json", content[MEDIA_TYPE])
    create = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    create["encoding"] = {"file": {"contentType": "audio/*, video/*, application/octet-stream"}}
    return document


def _link(document: dict[str, Any]) -> None:
    """Say which operations go on from a new job."""
    operations = {
        operation["operationId"]: path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if path.startswith("/api/v1/jobs/{job_id}") and path.count("{") == 1
    }
    document["paths"]["/api/v1/jobs"]["post"]["responses"]["202"]["links"] = {
        name: {"operationId": name, "parameters": {"job_id": "$response.body#/job_id"}} for name in operations
    }


def allowed_methods(app: FastAPI, path: str) -> str | None:
    """What `Allow` says of a path; None: it is not described."""
    document = app.openapi()
    for template, methods in document["paths"].items():
        pattern, _, _ = compile_path(template)
        if pattern.fullmatch(path):
            return ", ".join(sorted(method.upper() for method in methods))
    return None
