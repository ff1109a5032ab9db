"""What the API promises under attack and to whoever builds on it: nobody holds up others, and nothing is told wrongly."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from drumscribe.service.errors import Unavailable
from drumscribe.service.jobs.probing import SideProcess


def die_the_first_time(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "read"


def doze(seconds: float) -> str:
    time.sleep(seconds)
    return "read"


def test_a_side_process_that_is_killed_costs_no_upload_its_success(tmp_path: Path) -> None:
    side = SideProcess()
    try:
        assert asyncio.run(side.run(die_the_first_time, str(tmp_path / "marker"), timeout_s=20)) == "read"
    finally:
        side.close()


def test_a_file_that_keeps_its_decoder_busy_does_not_hold_up_the_next() -> None:
    side = SideProcess()

    async def both() -> float:
        await asyncio.gather(*(side.run(doze, 0.1, timeout_s=20) for _ in range(2)))
        slow = asyncio.create_task(side.run(doze, 8.0, timeout_s=20))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await side.run(doze, 0.0, timeout_s=20)
        took = time.monotonic() - began
        await slow
        return took

    try:
        assert asyncio.run(both()) < 5
    finally:
        side.close()


def test_who_waits_too_long_for_a_turn_is_told_to_come_back() -> None:
    side = SideProcess(patience_s=0.5)

    async def crowd() -> list[object]:
        await side.run(doze, 0.0, timeout_s=20)
        return await asyncio.gather(*(side.run(doze, 1.5, timeout_s=2.0) for _ in range(8)), return_exceptions=True)

    try:
        found = asyncio.run(crowd())
        assert "read" in found
        refused = [one for one in found if isinstance(one, Exception)]
        assert refused
        assert all(isinstance(one, Unavailable) and one.retryable for one in refused), found
    finally:
        side.close()


def test_several_uploads_get_over_the_same_death() -> None:
    side = SideProcess()

    async def crowd() -> list[str]:
        await side.run(doze, 0.0, timeout_s=20)
        pool = side._open()  # pyright: ignore[reportPrivateUsage]
        for process in pool._pool_manager.worker_manager.workers.values():  # pyright: ignore[reportPrivateUsage,reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]
            process.kill()  # pyright: ignore[reportUnknownMemberType]
        return await asyncio.gather(*(side.run(doze, 0.05, timeout_s=20) for _ in range(6)))

    try:
        assert asyncio.run(crowd()) == ["read"] * 6
    finally:
        side.close()
