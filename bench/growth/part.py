"""Measures each curve at a few points, those of pictures in turn: what else the machine does meets all alike."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from bench import neighbours
from bench.camera_process import camera_process
from bench.growth.pictures import Size, View, crowds, sized
from bench.growth.tables import tables
from bench.growth.ways import Asked
from bench.load import by_clients
from bench.run import Part, Run
from bench.stream import watch
from bench.usage import Usage

CAMERA_FPS = 10.0
"""Of each camera: at 30, one or two would have all there is of two processors."""

SIZES: tuple[Size, ...] = ((640, 360), (960, 540), (1280, 720), (1920, 1080))
FACES = (0, 1, 2, 4, 8)


def measure(run: Run) -> dict[str, Any]:
    """Measure the four curves."""
    rng = np.random.default_rng(run.seed)
    sizes = _in_turn(run, "size", [f"{wide}x{tall}" for wide, tall in SIZES], lambda: sized(SIZES, rng))
    faces = _in_turn(run, "faces", [str(number) for number in FACES], lambda: crowds(FACES, rng))
    return {
        "sizes": [{"width": wide, "height": tall, **of} for (wide, tall), of in zip(SIZES, sizes, strict=True)],
        "faces": [{"faces": number, **of} for number, of in zip(FACES, faces, strict=True)],
        "cameras": _cameras(run),
        "clients": by_clients(run, "growth", run.scale.growth_clients, run.scale.growth_s),
    }


def _in_turn(run: Run, what: str, points: Sequence[str], compose: Callable[[], Iterator[View]]) -> list[dict[str, Any]]:
    """Ask about a picture of each point, then about another; return what a frame costs at each point."""
    stack, each = run.stack(), run.scale.growth_pictures
    asked = [Asked(stack) for _ in points]
    with run.step(f"growth: {what}", each * len(points)) as step:
        for nth in range(each):
            for point, one, view in zip(points, asked, compose(), strict=True):
                one.ask(view, f"{what}-{point}-{nth}", run.scale)
                step.advance()
    return [one.figures() for one in asked]


def _cameras(run: Run) -> list[dict[str, Any]]:
    stack, scale, clip = run.stack(), run.scale, run.clip()
    measured = []
    with (
        camera_process(stack.redis_url, [frame.jpeg for frame in clip]) as cameras,
        run.step("growth: numbers of cameras", len(scale.growth_cameras)) as step,
    ):
        usage = Usage({**stack.pids, "cameras": cameras.pid, "viewer": os.getpid()})
        for number in scale.growth_cameras:
            names = [f"growth{number}-{index}" for index in range(number)]
            began = neighbours.now()
            of = asyncio.run(watch(stack, cameras, names, scale.growth_s, usage, clip, CAMERA_FPS))
            measured.append({**of, "others_cores": neighbours.others_cores(began, neighbours.now())})
            step.advance()
    return measured


PART = Part("how the cost of a frame grows with its size, faces, cameras and clients", measure, tables)
