"""What followers of cameras saw, in figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.camera_process import Shooting, Shot
from bench.clip import ClipFrame
from bench.figures import figures
from bench.viewing import Received
from services.contracts.geometry import Box, is_among


@dataclass(frozen=True)
class Watched:
    """What is known after a while of watching.

    Attributes:
        shooting: When the cameras shot what.
        shot: What became of their frames.
        clip: What they showed.
        received: What came, in order, a little longer than until ``ended_s``.
        began_s: When watching began, in Unix seconds.
        ended_s: When it ended.
    """

    shooting: Shooting
    shot: Shot
    clip: Sequence[ClipFrame]
    received: Sequence[Received]
    began_s: float
    ended_s: float

    def counts(self, camera: str, number: int) -> bool:
        """Tell whether a frame was due while it was watched."""
        return self.began_s <= self.shooting.due_s(camera, number) < self.ended_s

    def number(self, one: Received) -> int:
        """Return which of its camera's frames a result is about."""
        return self.shooting.number(one.camera, one.captured_s)

    def frame(self, camera: str, number: int) -> ClipFrame:
        """Return what a camera showed."""
        return self.clip[self.shooting.shown(camera, number)]


def stream_figures(watched: Watched) -> dict[str, Any]:
    """Return rates, ages, drops at each hop, and how long new faces took to show."""
    seconds = watched.ended_s - watched.began_s
    results = [one for one in watched.received if watched.counts(one.camera, watched.number(one))]
    published = _counted(watched, watched.shot.published)
    analysed = dict.fromkeys(watched.shooting.cameras, 0)
    for camera, _ in {(one.camera, watched.number(one)) for one in results}:
        analysed[camera] += 1
    total, appeared = sum(analysed.values()), list(_appearances(watched))
    dropped = {hop: sum(one.result["dropped"][hop] for one in results) for hop in ("detect", "infer", "viewer")}
    unread = max(0, sum(published.values()) - total - sum(dropped.values()))
    return {
        "published": sum(published.values()),
        "analysed": total,
        "analysed_a_second": total / seconds,
        "analysed_share": {
            "all": total / max(1, sum(published.values())),
            "least_of_a_camera": min(analysed[camera] / max(1, published[camera]) for camera in analysed),
        },
        "age_ms": figures((one.at_s - one.captured_s) * 1e3 for one in results),
        "ready_age_ms": figures(one.result["source"]["age_ms"] for one in results),
        "dropped": {"camera": sum(_counted(watched, watched.shot.dropped).values()), "unread": unread, **dropped},
        "faces_found_share": _found_share(watched, results),
        "new_face_ms": figures(took_s * 1e3 for took_s in appeared if took_s is not None),
        "new_faces_missed": appeared.count(None),
    }


def _counted(watched: Watched, numbers: dict[str, list[int]]) -> dict[str, int]:
    return {camera: sum(watched.counts(camera, number) for number in of) for camera, of in numbers.items()}


def _appearances(watched: Watched) -> Iterator[float | None]:
    """Yield the seconds from each guest's first frame to the first result with that face; None where none had it."""
    stays = watched.shooting.guest_stays
    for camera in watched.shooting.cameras:
        results = [(watched.number(one), one) for one in watched.received if one.camera == camera]
        last = watched.shooting.number(camera, watched.ended_s)
        for number in range(max(1, watched.shooting.number(camera, watched.began_s)), last - stays):
            comes = watched.frame(camera, number).guest is not None
            if comes and watched.frame(camera, number - 1).guest is None:
                visit = [(at, one) for at, one in results if number <= at < number + stays]
                seen = (one.at_s for at, one in visit if _has(one, watched.frame(camera, at).guest))
                first = next(seen, None)
                yield None if first is None else first - watched.shooting.due_s(camera, number)


def _found_share(watched: Watched, results: Sequence[Received]) -> float:
    """Return how many of the faces shown in the frames that were analysed were found."""
    frames = [(one, watched.frame(one.camera, watched.number(one))) for one in results]
    there = [(one, face) for one, frame in frames for face in (frame.resident, frame.guest) if face is not None]
    return sum(_has(one, face) for one, face in there) / max(1, len(there))


def _has(one: Received, face: Box | None) -> bool:
    boxes = (Box(**found["box"]) for found in one.result["faces"])
    return face is not None and is_among(face, boxes)
