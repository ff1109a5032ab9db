"""What the four steps make of a song, in both modes."""

from __future__ import annotations

from drumscribe.service.wiring import Services
from songs import enter, take_through


def test_a_song_goes_from_upload_to_score(services: Services) -> None:
    job = take_through(services, enter(services))
    assert (job.status, job.error_message) == ("completed", None)
