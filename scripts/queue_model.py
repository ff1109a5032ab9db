"""Queues with workers that come and go: a simulation by events, without anything of DrumScribe in it.

Jobs arrive as a Poisson process whose rate follows the hour of the day, and pass through stages in order. A stage belongs to a
station: a queue, and pods of `slots` workers each that an autoscaler starts and stops. `scripts/capacity.py` fills in what was
measured; tests compare with Erlang's and Pollaczek and Khinchine's formulas, which are exact where they hold.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

DAY_S = 86_400.0


@dataclass(frozen=True)
class Scaler:
    """How pods are added and removed, as KEDA and the HorizontalPodAutoscaler do it."""

    least: int
    most: int
    target: float  #: steps, waiting or in work, for each pod
    start_s: float  #: from the decision to a pod that takes steps
    look_s: float = 15.0
    keep_s: float = 300.0  #: fewer are wanted only if fewer were wanted all that time
    drop_s: float = 60.0  #: one pod goes in so long
    most_at_once: int = 4  #: so many come at once, or as many as there are


@dataclass
class Station:
    """A queue and its workers."""

    scaler: Scaler
    slots: int = 1
    ready: int = field(init=False)
    starting: int = field(default=0, init=False)
    busy: int = field(default=0, init=False)
    waiting: deque[Job] = field(default_factory=deque, init=False)
    pod_seconds: float = field(default=0.0, init=False)
    busy_seconds: float = field(default=0.0, init=False)
    most_pods: int = field(default=0, init=False)
    waits: list[float] = field(default_factory=list, init=False)
    _wanted: deque[tuple[float, int]] = field(default_factory=deque, init=False)
    _last_drop: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        self.ready = self.most_pods = self.scaler.least

    @property
    def pods(self) -> int:
        """All that are paid for."""
        return self.ready + self.starting

    def pods_to_start(self, now: float) -> int:
        """What the autoscaler decides: how many to start; negative: how many to stop."""
        scaler = self.scaler
        wanted = math.ceil((len(self.waiting) + self.busy) / scaler.target)
        wanted = min(scaler.most, max(scaler.least, wanted))
        self._wanted.append((now, wanted))
        while self._wanted[0][0] < now - scaler.keep_s:
            self._wanted.popleft()
        if wanted > self.pods:
            return min(wanted - self.pods, max(scaler.most_at_once, self.pods))
        highest = max(count for _, count in self._wanted)
        if highest < self.pods and self.ready > 0 and now - self._last_drop >= scaler.drop_s:
            self._last_drop = now
            return -1
        return 0


@dataclass
class Job:
    """What passes through."""

    arrived: float
    stages: Sequence[tuple[str, float]]  #: station, seconds of work
    stage: int = 0
    queued: float = 0.0


def simulate(
    stations: dict[str, Station],
    arrivals: Iterator[tuple[float, Sequence[tuple[str, float]]]],
    *,
    until: float,
    warm_up: float = 0,
) -> list[float]:
    """Run until the last job that arrived before `until` is done; returns the seconds from arrival to end of each.

    What begins before `warm_up` is not counted.
    """
    events: list[tuple[float, int, Callable[[float], None]]] = []
    number = 0
    took: list[float] = []
    clock = 0.0
    arriving = True
    inside = 0

    def at(when: float, act: Callable[[float], None]) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (when, number, act))

    def arrive(now: float) -> None:
        nonlocal arriving, inside, pending
        assert pending is not None
        job = Job(now, pending[1])
        inside += 1
        queue(job, now)
        pending = next(arrivals, None)
        if pending is not None and pending[0] < until:
            at(pending[0], arrive)
        else:
            arriving = False

    def queue(job: Job, now: float) -> None:
        job.queued = now
        station = stations[job.stages[job.stage][0]]
        station.waiting.append(job)
        start(station, now)

    def start(station: Station, now: float) -> None:
        while station.waiting and station.busy < station.ready * station.slots:
            job = station.waiting.popleft()
            if job.arrived >= warm_up:
                station.waits.append(now - job.queued)
            station.busy += 1
            seconds = job.stages[job.stage][1]
            station.busy_seconds += seconds
            at(now + seconds, lambda then, job=job, station=station: finish(job, station, then))

    def finish(job: Job, station: Station, now: float) -> None:
        nonlocal inside
        station.busy -= 1
        job.stage += 1
        if job.stage < len(job.stages):
            queue(job, now)
        else:
            inside -= 1
            if job.arrived >= warm_up:
                took.append(now - job.arrived)
        start(station, now)

    def look(station: Station, now: float) -> None:
        change = station.pods_to_start(now)
        if change < 0:
            station.ready += change  # a step that its worker is at is finished first
        for _ in range(change):
            station.starting += 1
            at(now + station.scaler.start_s, lambda then: come(station, then))
        station.most_pods = max(station.most_pods, station.pods)
        if arriving or inside:
            at(now + station.scaler.look_s, lambda then: look(station, then))

    def come(station: Station, now: float) -> None:
        station.starting -= 1
        station.ready += 1
        start(station, now)

    pending = next(arrivals, None)
    if pending is not None and pending[0] < until:
        at(pending[0], arrive)
    for station in stations.values():
        at(station.scaler.look_s, lambda then, station=station: look(station, then))
    while events and (arriving or inside):
        when, _, act = heapq.heappop(events)
        for station in stations.values():
            station.pod_seconds += (when - clock) * max(station.pods, math.ceil(station.busy / station.slots))
        clock = when
        act(when)
    return took


# ---------------------------------------------------------------------------------------------- arrivals


def day_shape(peak: float, peak_hour: float = 20.0) -> Callable[[float], float]:
    """How busy a time of the day is, 1 on average and `peak` at the busiest hour: a cosine, raised to what power that takes."""
    power = _power(peak)
    mean = _mean_of_power(power)

    def weight(seconds: float) -> float:
        angle = 2 * math.pi * (seconds / 3600 - peak_hour) / 24
        return float(((1 + math.cos(angle)) / 2) ** power / mean)

    return weight


def _mean_of_power(power: float) -> float:
    """Of the cosine, from 0 to 1, raised to it, over a day."""
    return math.gamma(power + 0.5) / (math.sqrt(math.pi) * math.gamma(power + 1))


@cache
def _power(peak: float) -> float:
    if peak < 1:
        raise ValueError(f"the busiest hour cannot be less busy ({peak}) than the average")
    low, high = 0.0, 2 * peak * peak * math.pi
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 / _mean_of_power(middle) < peak else (low, middle)
    return (low + high) / 2


def poisson(rate: float, peak: float, chance: random.Random) -> Iterator[float]:
    """Arrivals at `rate` a second on average, by thinning those of the busiest hour."""
    weight = day_shape(peak)
    now = 0.0
    while True:
        now += chance.expovariate(rate * peak)
        if chance.random() * peak <= weight(now):
            yield now


# ---------------------------------------------------------------------------------------------- theory


def erlang_wait(rate: float, mean_s: float, workers: int) -> float:
    """Mean wait in M/M/c."""
    load = rate * mean_s
    if load >= workers:
        raise ValueError(f"{workers} workers cannot keep up with a load of {load:g}")
    blocked = 1.0
    for count in range(1, workers + 1):
        blocked = load * blocked / (count + load * blocked)
    waits = blocked / (1 - load / workers * (1 - blocked))
    return waits * mean_s / (workers - load)


def pollaczek_khinchine_wait(rate: float, mean_s: float, variance: float) -> float:
    """Mean wait in M/G/1."""
    load = rate * mean_s
    if load >= 1:
        raise ValueError(f"one worker cannot keep up with a load of {load:g}")
    return rate * (variance + mean_s * mean_s) / (2 * (1 - load))


def fixed(workers: int) -> Scaler:
    """No scaling at all."""
    return Scaler(workers, workers, math.inf, 0.0, look_s=1e9)
