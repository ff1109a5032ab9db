"""Performances made up by Hypothesis: any hits over any steady pulse."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from drumscribe.types import Beat, BeatGrid, Drum, Hit, Performance

_DRUMS = [drum for drum in Drum if drum is not Drum.OTHER]


@st.composite
def performances(draw: st.DrawFn, seconds: float = 12.0) -> Performance:
    """Up to 60 hits of any kind at any time, over beats of 60-200 bpm in bars of two to seven; or no beats at all."""
    period = 60 / draw(st.integers(60, 200))
    metre = draw(st.sampled_from([2, 3, 4, 5, 6, 7]))
    phase = draw(st.integers(0, metre - 1))
    count = draw(st.sampled_from([0, 1, int(seconds / period)]))
    beats = tuple(Beat(0.3 + i * period, (i + phase) % metre + 1) for i in range(count))
    unit = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(1, 2)]))
    strokes = draw(
        st.lists(st.tuples(st.floats(0, seconds, width=32), st.sampled_from(_DRUMS), st.integers(1, 127)), max_size=60)
    )
    hits = sorted((Hit(time, drum, velocity) for time, drum, velocity in strokes), key=lambda h: (h.time, h.drum))
    return Performance(tuple(hits), BeatGrid(beats, unit), seconds)
