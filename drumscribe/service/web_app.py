"""The web app beside the API: `drumscribe serve --web FOLDER` starts and watches it.

The folder is what the web app's build leaves (`frontend/.next/standalone`). Node runs it; it asks the API over the loopback
address, and browsers ask it alone.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from drumscribe.errors import DependencyMissing, OptionError
from drumscribe.service.supervisor import Watcher

log = structlog.get_logger(__name__)

#: What starts it, inside the folder.
START = "start.cjs"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class WebApp(Watcher):
    """The web app's process.

    Parameters
    ----------
    folder : Path
        What its build left.
    host, port : str, int
        Where browsers reach it.
    url : str
        The same as this machine reaches it, which is not 0.0.0.0.
    api_url : str
        Where it reaches the API.

    Raises
    ------
    OptionError
        If nothing that was built lies in the folder.
    DependencyMissing
        If there is no Node to run it.
    """

    name = "web_app"

    def __init__(self, folder: Path, *, host: str, port: int, url: str, api_url: str) -> None:
        super().__init__()
        if not (folder / START).is_file():
            raise OptionError(f"{folder} holds no built web app: it has no {START}.", folder=str(folder))
        node = shutil.which("node")
        if node is None:
            raise DependencyMissing("The web app needs Node 20.9 or newer, and there is no `node` on PATH.", program="node")
        self._command = [sys.executable, "-P", "-m", "drumscribe.service.lifeline", node, START]
        self._folder, self.url = folder, url
        self._environment = os.environ | {
            "API_URL": api_url,
            "HOSTNAME": host,
            "PORT": str(port),
            "NODE_ENV": "production",
            "NEXT_TELEMETRY_DISABLED": "1",
        }

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it; what it says goes into our log."""
        process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=_pass_on, args=(process,), name="web-app-log", daemon=True).start()
        return process

    def wait_until_it_answers(self, seconds: float = 60.0) -> bool:
        """Whether it accepts connections within that time."""
        deadline = time.monotonic() + seconds
        address = urlsplit(self.url)
        while time.monotonic() < deadline and not self._stopping.is_set():
            try:
                socket.create_connection((address.hostname, address.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return True
        return False


def _pass_on(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said = _COLOURS.sub("", line.decode("utf-8", "replace")).strip()
        if said:
            log.info("web_app_says", line=said)
