"""`drumscribe serve`: the API, without a broker also the worker, and the web app if asked to."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drumscribe.cli.console import emit, say
from drumscribe.cli.interrupts import Interrupted

if TYPE_CHECKING:
    from drumscribe.service.settings import Settings
    from drumscribe.service.supervisor import Watcher
    from drumscribe.service.web_app import WebApp
    from drumscribe.service.wiring import Services

#: Open requests have so long to end.
_GRACE_S = 8
#: Nobody has anything to tell us over a WebSocket.
_WEBSOCKET_BYTES = 16 * 1024

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of everything that is kept. [default: DATA_DIR, else drumscribe in the user's data folder]"
    ),
]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any that is free.", min=0, max=65535)] = 8000,
    data: Data = None,
    web: Annotated[
        Path | None, typer.Option(help="Folder of the built web app, to run it too. [default: the API alone]", show_default=False)
    ] = None,
    web_port: Annotated[int, typer.Option(help="Port of the web app.", min=1, max=65535)] = 3000,
) -> None:
    """Run the service until Ctrl-C.

    Settings come from environment variables. Without REDIS_URL this is all there is to run; with it, workers are separate.
    """
    from drumscribe.cli.environment import read_settings

    if web is not None:
        _trust_web_app(host)
    settings = read_settings(data)
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        if web is not None:
            _listen(host, web_port, option="--web-port").close()
        try:
            _run(settings, listener, stack, None if web is None else (web.absolute(), host, web_port))
        except Interrupted:
            say("Stopped.")


def _run(settings: Settings, listener: socket.socket, stack: ExitStack, web: tuple[Path, str, int] | None) -> None:
    from drumscribe.service.observability.exposition import share_metrics

    if settings.is_embedded:
        _take(settings.DATA_DIR, stack)
    share_metrics(settings)
    from drumscribe.service.observability.logs import setup_logging
    from drumscribe.service.observability.tracking import setup_error_tracking
    from drumscribe.service.supervisor import Supervisor
    from drumscribe.service.wiring import build

    setup_logging(settings.LOG_LEVEL, file_descriptor=2)
    setup_error_tracking(settings)
    services = build(settings)
    stack.callback(services.close)
    beside: list[Watcher] = []
    if settings.is_embedded:
        from drumscribe.service import migrations

        migrations.upgrade(services.sessions)
        beside.append(Supervisor(services.sessions))
    web_app = None
    if web is not None:
        from drumscribe.service.web_app import WebApp

        folder, host, port = web
        web_app = WebApp(folder, host=host, port=port, url=_url(host, port), api_url=_address(listener))
        beside.append(web_app)
    for watcher in beside:
        watcher.start()
        stack.callback(watcher.stop)
    _serve(services, listener, beside, partial(_say_where, settings, listener, web_app))


def _serve(services: Services, listener: socket.socket, beside: list[Watcher], say_where: Callable[[], None]) -> None:
    import uvicorn

    from drumscribe.service.api.app import create_app
    from drumscribe.service.errors import ServiceError

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                # the web app may still be starting: waiting for it must not keep the API from answering it
                threading.Thread(target=say_where, name="say-where", daemon=True).start()

        def handle_exit(self, sig: int, frame: object) -> None:
            for watcher in beside:
                watcher.ask_to_stop()
            super().handle_exit(sig, frame)  # pyright: ignore[reportArgumentType]

    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        ws_max_size=_WEBSOCKET_BYTES,
        ws_per_message_deflate=False,  # its windows are larger than all that is ever said
    )
    server = Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise ServiceError("The service could not be started; the log says why.")


def _say_where(settings: Settings, listener: socket.socket, web_app: WebApp | None) -> None:
    notes = [f"data in {settings.DATA_DIR}"] if settings.is_embedded else []
    address = _address(listener)
    if web_app is not None:
        if not web_app.wait_until_it_answers():
            return  # it was stopped, or its log says why it does not start
        notes.insert(0, f"API {address}")
        address = web_app.url
    emit(f"DrumScribe runs at {address}" + (f" ({', '.join(notes)})" if notes else ""))


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return _url(host, port)


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _trust_web_app(host: str) -> None:
    """The web app asks for the browsers: believe its word about their addresses."""
    believed = [os.environ.get("TRUSTED_PROXIES", ""), "127.0.0.1", "::1"]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass  # a name; the web app then comes from wherever it leads, which is this machine
    else:
        believed += [] if address.is_unspecified else [str(address)]
    os.environ["TRUSTED_PROXIES"] = ",".join(filter(None, believed))


def _listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    from drumscribe.service.errors import Unavailable

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Unavailable(f"{host} is no address of this machine: {error.strerror}.", host=host) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        listener.set_inheritable(False)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} of {host} cannot be used: {error.strerror}. {option} chooses another.", port=port
        ) from error
    return listener


def _take(folder: Path, stack: ExitStack) -> None:
    """Hold the data folder: two services over one would take each other's work away."""
    from filelock import FileLock, Timeout

    from drumscribe.service.errors import Unavailable

    try:
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(FileLock(folder / "drumscribe.lock").acquire(timeout=0))
    except Timeout as error:
        raise Unavailable(f"Another DrumScribe runs with the data in {folder}.", folder=str(folder)) from error
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written to: {error.strerror}.", folder=str(folder)) from error
