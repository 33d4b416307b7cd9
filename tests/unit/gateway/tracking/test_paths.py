"""Ids on scripted motion. Each script runs at several rates, with jittered boxes and with faces missed by chance."""

import math

import pytest

from tests.unit.gateway.tracking.scripted import Detector, Path, ids_by_name, watch

EXACT = Detector()
HAAR = Detector(jitter=0.04)
POOR = Detector(jitter=0.04, missed=0.3)


def swaying(x: float, y: float) -> Path:
    return lambda t: (x + 20 * math.sin(t + x), y + 20 * math.cos(t + y), 90)


SCRIPTS: dict[str, dict[str, Path]] = {
    "still": {"a": lambda _: (600, 300, 160)},
    "walking": {"a": lambda t: (100 + 200 * t, 300, 160)},
    "accelerating": {"a": lambda t: (100 + 40 * t * t, 300, 160)},
    "swaying": {"a": lambda t: (640 + 150 * math.sin(2 * t), 300 + 60 * math.cos(3 * t), 160)},
    "coming and going": {"a": lambda t: (640, 360, 120 * math.exp(0.7 * math.sin(1.2 * t)))},
    "crossing": {"a": lambda t: (100 + 200 * t, 250, 120), "b": lambda t: (1180 - 200 * t, 420, 120)},
    "side by side": {
        "a": lambda t: (450 + 80 * math.sin(t), 300, 120),
        "b": lambda t: (690 + 80 * math.sin(t), 310, 120),
    },
    "crowd": {
        f"{row}{column}": swaying(120 + 260 * column, 120 + 240 * row) for row in range(3) for column in range(4)
    },
}


@pytest.mark.parametrize("detector", [EXACT, HAAR, POOR], ids=["exact", "haar", "poor"])
@pytest.mark.parametrize("fps", [5, 10, 15, 30])
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_person_keeps_one_id(script: str, fps: int, detector: Detector) -> None:
    for seed in range(2):
        ids = ids_by_name(list(watch(SCRIPTS[script], 5.0, fps, detector, seed)))
        assert [len(given) for given in ids.values()] == [1] * len(SCRIPTS[script])
        assert len(set().union(*ids.values())) == len(SCRIPTS[script])


@pytest.mark.parametrize("fps", [15, 30])
def test_two_people_one_of_whom_passes_before_the_other_keep_their_ids(fps: int) -> None:
    people: dict[str, Path] = {"a": lambda t: (100 + 200 * t, 300, 120), "b": lambda t: (1180 - 200 * t, 340, 120)}
    for seed in range(5):
        ids = ids_by_name(list(watch(people, 5.4, fps, HAAR, seed)))
        assert [len(given) for given in ids.values()] == [1, 1]
        assert ids["a"] != ids["b"]


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_half_a_second_of_misses_is_survived_while_walking(fps: int) -> None:
    missed = range(2 * fps, 2 * fps + math.ceil(0.5 * fps))
    people: dict[str, Path] = {"a": lambda t: None if round(t * fps) in missed else (100 + 200 * t, 300, 160)}
    film = list(watch(people, 4.0, fps, HAAR, seed=1))
    assert sum(not seen.ids for seen in film) == len(missed)
    assert len(ids_by_name(film)["a"]) == 1


def test_who_leaves_and_comes_back_later_gets_a_new_id() -> None:
    people: dict[str, Path] = {"a": lambda t: None if 2 <= t < 4 else (600, 300, 160)}
    film = list(watch(people, 6.0, 15, HAAR, seed=1))
    assert len(ids_by_name(film)["a"]) == 2


def test_who_enters_far_from_one_who_just_left_gets_an_id_of_their_own() -> None:
    people: dict[str, Path] = {
        "a": lambda t: (1200, 300, 120) if t < 2 else None,
        "b": lambda t: (80, 300, 120) if t >= 2 else None,
    }
    ids = ids_by_name(list(watch(people, 4.0, 15, HAAR, seed=1)))
    assert ids["a"].isdisjoint(ids["b"])


def test_a_new_face_in_front_of_the_list_changes_no_id() -> None:
    people: dict[str, Path] = {
        "new": lambda t: (300, 300, 240) if t >= 1 else None,
        "a": lambda _: (900, 300, 120),
    }
    film = list(watch(people, 2.0, 10, Detector(shuffled=False), seed=1))
    assert film[-1].names == ("new", "a")
    assert len(ids_by_name(film)["a"]) == 1
