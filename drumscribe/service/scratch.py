"""The folders that steps work in: deleted when a step ends, and later if it was killed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from drumscribe.service.settings import Settings

_PREFIX = "drumscribe-step-"
#: Beyond the time that a step may take.
_MARGIN_S = 3600.0


@contextmanager
def scratch_folder() -> Generator[Path]:
    """An empty folder on this machine, for one step."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        yield Path(name)


def purge_scratch(settings: Settings) -> int:
    """Remove what steps left on this machine that were killed, once none can still be at work there; return how many."""
    limit = time.time() - settings.STEP_TIMEOUT_SECONDS - _MARGIN_S
    count = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            is_old = folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < limit
        except OSError:  # another was faster
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)
            count += not folder.exists()
    return count
