"""Single pictures that nobody has seen before: ours over HTTP, the others in their own processes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.face_scenes import shuffled
from bench.http_client import Client
from bench.peers.comparison import Looks, ratios
from bench.peers.frames import write_frames
from bench.peers.process import Found, PeerProcess
from bench.run import Run
from bench.usage import Usage, between
from services.contracts.geometry import Box

OURS = "ours"
PROCESSES = ("detector", "gateway", "serving")
_WARM_UP = 3


def measure_pictures(run: Run, peers: Mapping[str, PeerProcess], each: int) -> dict[str, Any]:
    """Have each system look at each picture, in turn, and begin with another one each time.

    Args:
        run: The run.
        peers: The others by name.
        each: Pictures of each kind.
    """
    stack = run.stack()
    with run.step("pictures: compose", None):
        scenes = shuffled(each, run.seed)
        paths = write_frames(run.folder / "pictures", [scene.jpeg for scene in scenes])
    client = Client(stack.gateway_port)
    lookers: dict[str, Callable[[Path], Found]] = {OURS: lambda path: _upload(client, path)}
    lookers |= {name: peer.look for name, peer in peers.items()}
    looks = {name: Looks() for name in lookers}
    for look in lookers.values():
        for path in paths[:_WARM_UP]:
            look(path)
    usage = Usage({name: stack.pids[name] for name in PROCESSES})
    before = usage.cpu_s()
    turns = run.over("pictures", list(enumerate(zip(scenes, paths, strict=True)))[_WARM_UP:], len(scenes) - _WARM_UP)
    for turn, (scene, path) in turns:
        for name in _beginning_with(turn, lookers):
            looks[name].add(lookers[name](path), scene.faces)
    used = between(before, usage.cpu_s())
    return {
        "pictures": len(scenes) - _WARM_UP,
        "faces": sum(len(scene.faces) for scene in scenes[_WARM_UP:]),
        "systems": {name: of.summary() for name, of in looks.items()},
        "ours_cpu_ms_a_picture": {name: value * 1e3 / (len(scenes) - _WARM_UP) for name, value in used.items()},
        "wall_of_ours_to": {name: ratios(looks[OURS].seconds, looks[name].seconds) for name in peers},
    }


def _beginning_with(turn: int, lookers: Mapping[str, Callable[[Path], Found]]) -> list[str]:
    names = list(lookers)
    first = turn % len(names)
    return names[first:] + names[:first]


def _upload(client: Client, path: Path) -> Found:
    answer = client.upload(path.read_bytes())
    client.close()  # the others take so long that the gateway may end an idle connection; a new one is part of the time
    assert answer.failure is None, f"the gateway answered {answer.status}: {answer.body}"
    faces = answer.body["faces"]
    boxes = tuple(Box(**face["box"]) for face in faces)
    return Found(answer.wall_ms / 1e3, None, boxes, tuple(face["emotion"] for face in faces))
