"""Going on where a client left off."""

from services.contracts.frames import FRAMES_TTL_S, frame_order


def is_news(frame_id: str, after: str) -> bool:
    """Tell whether a frame comes after another.

    One that is older by more than frames are kept does too: the store's clock was set back meanwhile.
    """
    ours, theirs = frame_order(frame_id), frame_order(after)
    return ours > theirs or theirs[0] - ours[0] > FRAMES_TTL_S * 1000
