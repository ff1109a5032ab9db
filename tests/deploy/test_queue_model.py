"""The simulation against the formulas that are exact, and against what its autoscaler promises."""

from __future__ import annotations

import itertools
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import queue_model
from queue_model import DAY_S, Scaler, Station, erlang_wait, fixed, pollaczek_khinchine_wait, simulate


def waits(rate: float, service: Callable[[random.Random], float], workers: int, seed: int, jobs: int = 60_000) -> list[float]:
    """Waits in one station with constant workers, without those of a queue that is still filling."""
    chance = random.Random(seed)
    station = Station(fixed(workers))

    def arrivals() -> Iterator[tuple[float, list[tuple[str, float]]]]:
        for when in queue_model.poisson(rate, 1.0, chance):
            yield when, [("only", service(chance))]

    simulate({"only": station}, arrivals(), until=jobs / rate, warm_up=jobs / rate / 20)
    return station.waits


def agree(found: list[float], expected: float) -> None:
    """Means of batches, which hardly depend on each other, say how far off chance may take the whole."""
    size = len(found) // 20
    batches = [statistics.fmean(found[start : start + size]) for start in range(0, size * 20, size)]
    error = statistics.stdev(batches) / math.sqrt(len(batches))
    assert error < 0.08 * expected, "too few jobs to tell anything"
    assert abs(statistics.fmean(found) - expected) < 3.5 * error


@pytest.mark.parametrize(("workers", "load"), [(1, 0.5), (1, 0.8), (3, 0.7), (8, 0.75)])
def test_exponential_work_waits_as_erlang_says(workers: int, load: float) -> None:
    mean_s = 4.0
    rate = load * workers / mean_s
    found = waits(rate, lambda chance: chance.expovariate(1 / mean_s), workers, seed=workers, jobs=25_000 * (2 + workers))
    agree(found, erlang_wait(rate, mean_s, workers))


@pytest.mark.parametrize("kind", ["constant", "lognormal", "two kinds"])
def test_any_work_of_one_worker_waits_as_pollaczek_and_khinchine_say(kind: str) -> None:
    sigma = 0.7
    mean_s = {"constant": 2.0, "lognormal": math.exp(sigma**2 / 2), "two kinds": 1.9}[kind]
    variance = {"constant": 0.0, "lognormal": (math.exp(sigma**2) - 1) * mean_s**2, "two kinds": 0.1 * 10**2 + 0.9 - 1.9**2}[kind]
    service: dict[str, Callable[[random.Random], float]] = {
        "constant": lambda chance: 2.0,
        "lognormal": lambda chance: chance.lognormvariate(0, sigma),
        "two kinds": lambda chance: 10.0 if chance.random() < 0.1 else 1.0,
    }
    rate = 0.6 / mean_s
    agree(waits(rate, service[kind], 1, seed=5), pollaczek_khinchine_wait(rate, mean_s, variance))


def test_known_values_of_the_formulas() -> None:
    assert erlang_wait(0.5, 1.0, 1) == pytest.approx(1.0)  # rho / (mu - lambda)
    assert erlang_wait(8.0, 1.0, 10) == pytest.approx(0.4092 / 2, abs=1e-3)  # Erlang C of 10 workers and 8 erlangs
    assert pollaczek_khinchine_wait(0.5, 1.0, 1.0) == pytest.approx(erlang_wait(0.5, 1.0, 1))
    for wait in (lambda: erlang_wait(2.0, 1.0, 2), lambda: pollaczek_khinchine_wait(1.0, 1.0, 0.0)):
        with pytest.raises(ValueError, match="cannot keep up"):
            wait()


def test_all_that_comes_goes_and_work_is_kept() -> None:
    chance = random.Random(3)
    stages = [("a", 2.0), ("b", 3.0), ("a", 1.0)]
    stations = {"a": Station(fixed(4), slots=2), "b": Station(fixed(5))}
    times = list(itertools.takewhile(lambda when: when < 2000, queue_model.poisson(1.0, 1.0, chance)))
    took = simulate(stations, iter([(when, stages) for when in times]), until=2000)
    assert len(took) == len(times)
    assert min(took) == pytest.approx(6.0)
    assert stations["a"].busy_seconds == pytest.approx(3 * len(times))
    assert stations["b"].busy_seconds == pytest.approx(3 * len(times))


@pytest.mark.parametrize("peak", [1.0, 2.0, 3.0, 4.5])
def test_a_day_has_its_mean_and_its_peak(peak: float) -> None:
    weight = queue_model.day_shape(peak)
    minutes = [weight(60.0 * minute) for minute in range(1440)]
    assert statistics.fmean(minutes) == pytest.approx(1.0, rel=1e-3)
    assert max(minutes) == pytest.approx(peak, rel=1e-3) == weight(20 * 3600)
    chance = random.Random(7)
    rate = 0.5
    hours = [0] * 24
    for when in itertools.takewhile(lambda when: when < DAY_S, queue_model.poisson(rate, peak, chance)):
        hours[int(when // 3600)] += 1
    for hour, count in enumerate(hours):
        expected = sum(weight(3600 * hour + 60 * minute + 30) for minute in range(60)) * 60 * rate
        assert abs(count - expected) < 4 * math.sqrt(expected) + 1, hour


def burst(scaler: Scaler, jobs: int) -> Station:
    station = Station(scaler)
    simulate({"only": station}, iter([(1.0, [("only", 10.0)])] * jobs + [(4000.0, [("only", 1.0)])]), until=5000)
    return station


def test_pods_come_when_work_waits_within_limits_and_go_again() -> None:
    scaler = Scaler(least=1, most=6, target=5, start_s=60)
    station = burst(scaler, 100)
    assert station.most_pods == 6
    assert station.ready == 1
    quick = burst(Scaler(least=1, most=6, target=5, start_s=0), 100)
    slow = burst(Scaler(least=1, most=6, target=5, start_s=300), 100)
    assert max(quick.waits) < max(station.waits) < max(slow.waits)
    assert burst(Scaler(least=1, most=1, target=5, start_s=0), 100).most_pods == 1
    assert max(burst(fixed(1), 100).waits) == pytest.approx(990.0)


def test_what_is_paid_for_is_at_least_what_worked() -> None:
    station = burst(Scaler(least=0, most=6, target=5, start_s=60), 100)
    assert station.pod_seconds >= station.busy_seconds == 1001.0
    idle = burst(fixed(3), 1)
    assert idle.pod_seconds == pytest.approx(3 * 4001, rel=1e-3)
