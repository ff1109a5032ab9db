"""A real clamd for tests. Its one signature is of the harmless file that scanners are tried with, anywhere in a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from servers import Server

#: In two parts, so that no scanner takes this file for what it describes.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = "Eicar-In-Tests.UNOFFICIAL"


def find_clamd() -> str | None:
    """Where the program is; Debian keeps it where only root looks."""
    return shutil.which("clamd", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


class ClamdServer(Server):
    """ClamAV's daemon, small in what it takes so that its limits can be tried."""

    name = "clamd"
    stream_limit = 3_000_000
    file_limit = 2_000_000

    def _command(self) -> Sequence[str]:
        program = self.folder / "clamd"
        if not program.exists():
            # By its own path AppArmor, where it is on, would let it read its own folders only
            shutil.copy2(str(find_clamd()), program)
            signatures = self.folder / "signatures"
            signatures.mkdir()
            (signatures / "tests.ndb").write_text(f"{SIGNATURE.removesuffix('.UNOFFICIAL')}:0:*:{EICAR.hex()}\n")
            settings = {
                "TCPSocket": self.port,
                "TCPAddr": "127.0.0.1",
                "DatabaseDirectory": signatures,
                "Foreground": "yes",
                "StreamMaxLength": self.stream_limit,
                "MaxFileSize": self.file_limit,
                "AlertExceedsMax": "yes",
            }
            lines = [f"{name} {value}\n" for name, value in settings.items()]
            (self.folder / "clamd.conf").write_text("".join(lines))
        return [str(program), "--config-file", str(Path(self.folder, "clamd.conf"))]
