"""Grooves whose strokes keep other company than usual: no hat to lean on, pieces struck together, cymbals that ring on.

Networks know what drummers usually do. What they wrote wrongly on records were kicks that click and have no hat with them,
floor toms under snare and kick, crashes struck while they ring, and off-beats that somebody else plays.
"""

from __future__ import annotations

import numpy as np

from drumscribe.training.limbs import TOMS, Bar, Metre, Stroke, at, backbeats, chance, loud, pick, pulse


def double_bass(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Kicks without a gap, as even as a trigger makes them, under a cymbal or under nothing; never a hat."""
    n = metre.beats
    back = pick(rng, (backbeats(rng, n), (n // 2,)), (0.7, 0.3))
    step = pick(rng, (0.25, 1 / 3, 0.5), (0.65, 0.15, 0.2) if energy > 0.4 else (0.3, 0.2, 0.5))
    kicks = pulse(rng, n, step, "kick", (0.86, 0.84))
    if chance(rng, 0.35):  # bursts
        rests = {b for b in range(n) if chance(rng, 0.4)}
        kicks = [k for k in kicks if int(k.position + 1e-6) not in rests or k.position % 1 < 1e-6]
    cymbal = pick(rng, ("", "ride", "ride_bell", "crash", "china"), (0.3, 0.22, 0.12, 0.2, 0.16))
    time = pulse(rng, n, pick(rng, (1.0, 0.5, 2.0), (0.6, 0.25, 0.15)), cymbal, (0.82, 0.68)) if cymbal else []
    return kicks + time + at(rng, back, "snare", 0.92)


def crash_riding(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Rock whose loud sections ride a crash, a crash and a ride by turns, or a washing hat; hats half open before them."""
    n = metre.beats
    back = backbeats(rng, n)
    kicks = [Stroke(0.0, "kick", loud(rng, 0.9))] + [
        Stroke(float(p), "kick", loud(rng, 0.8))
        for p in np.arange(0.5, n, 0.5)
        if p not in back and chance(rng, 0.55 if p % 1 == 0 else 0.25)
    ]
    if energy < 0.6:
        time = pulse(rng, n, 0.5, pick(rng, ("hihat_half", "hihat_closed", "ride")), (0.7, 0.5))
    else:
        way = pick(rng, ("quarters", "eighths", "turns", "wash"), (0.4, 0.2, 0.2, 0.2))
        if way == "turns":  # crash and ride, or two crashes of which one is a china
            time = pulse(rng, n, 1.0, "crash", (0.82, 0.8))
            other = pick(rng, ("ride", "china", "ride_bell"))
            time = [s if s.position % 2 == 0 else s._replace(drum=other) for s in time]
        elif way == "wash":
            time = pulse(rng, n, pick(rng, (0.5, 1.0)), pick(rng, ("hihat_half", "hihat_open")), (0.85, 0.65))
        else:
            time = pulse(rng, n, 1.0 if way == "quarters" else 0.5, "crash", (0.85, 0.6))
    return time + kicks + at(rng, back, "snare", 0.92)


def tribal(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """The floor tom in the hat's place, or with every snare, or with snare and kick on every beat."""
    n = metre.beats
    back = backbeats(rng, n)
    way = pick(rng, ("time", "with_snare", "stomp", "rolling"), (0.35, 0.3, 0.2, 0.15))
    snares = at(rng, back, "snare", 0.9)
    kicks = [Stroke(float(b), "kick", loud(rng, 0.85)) for b in range(n) if b not in back or chance(rng, 0.4)]
    kicks += [Stroke(b + 0.5, "kick", loud(rng, 0.75)) for b in range(n) if chance(rng, 0.3)]
    if way == "time":
        toms = pulse(rng, n, pick(rng, (0.5, 1.0)), "tom_low", (0.8, 0.65))
        return toms + snares + kicks
    if way == "with_snare":
        toms = [s._replace(drum=pick(rng, TOMS, (0.05, 0.1, 0.85)), velocity=loud(rng, 0.85)) for s in snares]
        cymbal = pick(rng, ("", "crash", "hihat_open", "ride"), (0.5, 0.2, 0.2, 0.1))
        time = [s for s in pulse(rng, n, 1.0, cymbal, (0.8, 0.7)) if s.position not in back] if cymbal else []
        return toms + snares + kicks + time
    if way == "stomp":
        beats = tuple(np.arange(0, n, pick(rng, (1.0, 1.0, 0.5))))
        return at(rng, beats, "tom_low", 0.85) + at(rng, beats, "snare", 0.85) + pulse(rng, n, 1.0, "kick", (0.88, 0.85))
    hands = [
        Stroke(
            float(p),
            pick(rng, ("tom_low", "tom_mid", "tom_high", "snare"), (0.6, 0.2, 0.05, 0.15)),
            loud(rng, 0.75 if p % 1 == 0 else 0.55),
        )
        for p in np.arange(0, n, 0.25)
        if p not in back
    ]
    return hands + snares + at(rng, back, "tom_low", 0.85) + kicks


def off_beats(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Sparse grooves whose off-beats belong to a guitar or a shaker: kick, rim, few ghosts, timbale-like answers; no hat."""
    n = metre.beats
    drop = [b for b in range(n) if b % 4 == 2] if chance(rng, 0.6) else [1, 3]
    hand = pick(rng, ("sidestick", "snare_rim", "snare"), (0.6, 0.2, 0.2))
    kick = pick(rng, (tuple(drop), (0, 2), tuple(range(n)), (0, 2.5)))
    bar = at(rng, kick, "kick", 0.82) + at(rng, drop, hand, 0.8)
    if chance(rng, 0.3):
        bar += at(rng, tuple(np.arange(0.5, n, 1.0)), "shaker", 0.55)
    for p in np.arange(0.25, n, 0.25):
        if p not in drop and chance(rng, 0.07):
            bar.append(Stroke(float(p), pick(rng, ("snare", "sidestick", "snare_rim", "tom_high")), loud(rng, 0.35, 0.12)))
    if chance(rng, 0.2):
        start = pick(rng, (n - 1.0, n - 0.75, n - 0.5))
        bar += pulse(rng, n, 0.25, pick(rng, ("snare_rim", "tom_high", "perc", "sidestick")), (0.75, 0.6), start=start)
    return bar


def rim_clicks(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Side stick and kick alone, with a shaker now and then, or a ride in quarters where it is louder."""
    n = metre.beats
    back = backbeats(rng, n)
    kicks = [Stroke(0.0, "kick", loud(rng, 0.75))] + [
        Stroke(float(p), "kick", loud(rng, 0.62)) for p in np.arange(0.5, n, 0.5) if p not in back and chance(rng, 0.25)
    ]
    clicks = at(rng, back, "sidestick", 0.72) + [
        Stroke(float(p), "sidestick", loud(rng, 0.45, 0.1))
        for p in np.arange(0.5, n, 0.25)
        if p not in back and chance(rng, 0.08)
    ]
    second = pulse(rng, n, pick(rng, (0.5, 0.25)), "shaker", (0.55, 0.35)) if chance(rng, 0.3) else []
    return kicks + clicks + second + (pulse(rng, n, 1.0, "ride", (0.5, 0.5)) if energy > 0.7 and chance(rng, 0.5) else [])


def cascara(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Half of a clave: cascara on shell, rim, bell or ride, the kick on the bombo and before the bar line, toms in answer."""
    n = metre.beats
    shell = pick(rng, ("sidestick", "perc", "cowbell", "ride_bell", "ride", "tom_low"), (0.3, 0.15, 0.2, 0.1, 0.15, 0.1))
    places = pick(rng, ((0, 1, 1.5, 2.5, 3, 3.5), (0, 0.5, 1.5, 2, 3, 3.5), (0, 0.5, 1, 1.75, 2.25, 2.75, 3.25)))
    bar = [Stroke(float(p), shell, loud(rng, 0.75 if p in (0, 1.5, 3) else 0.5)) for p in places if p < n]
    bar += at(rng, [p for p in (1.5, 3.0) if chance(rng, 0.85)], "kick", 0.72)
    if shell != "sidestick":
        bar += at(rng, pick(rng, ((1, 2), (0, 1.5, 3), (3,))), "sidestick", 0.65)
    if chance(rng, 0.6):
        bar += at(rng, (3.0, 3.5), "tom_high", 0.6) + at(rng, (2.5,), "tom_low", 0.55)
    return bar + (at(rng, (1, 3), "hihat_pedal", 0.42) if chance(rng, 0.6) else [])


def linear(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """Fusion: sixteenths shared out one by one among kick, hat or ride, ghosted snare and toms; nothing is struck together."""
    n = metre.beats
    back = backbeats(rng, n)
    lead = pick(rng, ("hihat_closed", "ride", "ride_bell"), (0.6, 0.3, 0.1))
    bar: Bar = []
    for p in np.arange(0, n, 0.25):
        if p in back:
            bar.append(Stroke(float(p), "snare", loud(rng, 0.86)))
            continue
        drum = (
            "kick"
            if p == 0
            else pick(rng, (lead, "kick", "snare", "tom_low", "tom_high", ""), (0.4, 0.22, 0.2, 0.05, 0.05, 0.08))
        )
        if drum:
            bar.append(Stroke(float(p), drum, loud(rng, {"kick": 0.75, "snare": 0.24, lead: 0.5}.get(drum, 0.65))))
    return bar


def ride_jazz(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """The ride as it is varied, crashes with the kick in accents, feathered kick, foot on two and four, comping with toms."""
    n = metre.beats
    skips = [b for b in range(n) if chance(rng, 0.75 if b % 2 else 0.2)]
    bar = [Stroke(float(b), "ride", loud(rng, 0.66 if b % 2 else 0.56)) for b in range(n) if chance(rng, 0.93)]
    bar += [Stroke(b + 0.5, "ride", loud(rng, 0.44)) for b in skips]
    bar += at(rng, (1, 3), "hihat_pedal", 0.5) if chance(rng, 0.85) else []
    bar += pulse(rng, n, 1.0, "kick", (0.3, 0.28)) if chance(rng, 0.5) else []
    bar += [
        Stroke(float(p), pick(rng, ("snare", "snare", "kick", "tom_high", "tom_low")), loud(rng, 0.4, 0.15))
        for p in np.arange(0.5, n, 0.5)
        if chance(rng, 0.1 + 0.15 * energy)
    ]
    if chance(rng, 0.15 + 0.2 * energy):
        place = float(pick(rng, (0.0, 1.5, 2.5, 3.5)))
        bar += [Stroke(place, "crash", loud(rng, 0.6)), Stroke(place, "kick", loud(rng, 0.65))]
    return bar
