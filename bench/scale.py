"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """How long each part takes.

    Attributes:
        pictures_each: Pictures of each kind for the floor, the path and the load.
        live_frames: Frames that a live session is asked for one by one.
        cameras: How many cameras are followed, in turn.
        stream_s: Seconds that each such number is measured.
        clip_frames: Frames that the cameras repeat.
        clients: How many clients ask at once, in turn.
        load_s: Seconds that each such number is measured.
        detection_each: Pictures of each kind for the search's quality.
        starts: How often each service is started.
        requests: After how many requests memory is looked at.
        growth_pictures: Pictures of each size and of each number of faces.
        growth_uploads: How often each is uploaded.
        growth_live_frames: Frames of it in a live session.
        growth_cameras: How many cameras at 10 frames a second are followed, in turn.
        growth_clients: How many clients ask at once, in turn.
        growth_s: Seconds that each such number is measured.
        peer_pictures_each: Pictures of each kind that other systems look at.
        peer_rounds: How often a session and the others take turns.
        peer_session_s: Seconds of each such session.
        peer_frames: Frames that each of the others looks at in a turn.
    """

    pictures_each: int = 12
    live_frames: int = 300
    cameras: tuple[int, ...] = (1, 2, 4, 6, 8, 12)
    stream_s: float = 15.0
    clip_frames: int = 280
    clients: tuple[int, ...] = (1, 4, 16, 64)
    load_s: float = 10.0
    detection_each: int = 12
    starts: int = 7
    requests: tuple[int, ...] = (1_000, 10_000)
    growth_pictures: int = 5
    growth_uploads: int = 4
    growth_live_frames: int = 14
    growth_cameras: tuple[int, ...] = (1, 2, 4, 8)
    growth_clients: tuple[int, ...] = (1, 2, 4, 8)
    growth_s: float = 6.0
    peer_pictures_each: int = 6
    peer_rounds: int = 6
    peer_session_s: float = 6.0
    peer_frames: int = 12


FULL = Scale()
QUICK = Scale(
    pictures_each=1,
    live_frames=30,
    cameras=(1, 2),
    stream_s=3.0,
    clip_frames=70,
    clients=(1, 4),
    load_s=2.0,
    detection_each=1,
    starts=1,
    requests=(20, 40),
    growth_pictures=1,
    growth_uploads=1,
    growth_live_frames=2,
    growth_cameras=(1, 2),
    growth_clients=(1, 2),
    growth_s=1.0,
    peer_pictures_each=1,
    peer_rounds=1,
    peer_session_s=2.0,
    peer_frames=2,
)
