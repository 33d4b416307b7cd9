import io
import json

from rich.console import Console

from emotion_client import FeedStatus
from emotion_client.cli.watch import BAR_WIDTH, WatchState, bar, view
from emotion_client.responses import decode_live_result
from tests.support.gateway_responses import BEGAN, live


def shown(state: WatchState, now_s: float = 10.0) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(view(state, now_s))
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def seen(count: int = 1, detect: int = 0) -> WatchState:
    state = WatchState("cam0")
    for index in range(count):
        state.add(
            decode_live_result(json.dumps(live(f"{index}-0", BEGAN, detect=detect))), 10.0 - (count - 1 - index) / 10
        )
    return state


def test_before_the_first_result() -> None:
    assert "waiting for the first result" in shown(WatchState("cam0"))


def test_a_face_has_seven_bars() -> None:
    text = shown(seen())
    assert [name for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral") if name in text]
    assert "60%" in text
    assert "█" * (BAR_WIDTH * 6 // 10) in text
    assert "face a1" in text
    assert "41 ms old" in text


def test_an_uncertain_emotion_looks_uncertain() -> None:
    result = live("1-0")
    result["faces"][0]["reliable"] = False
    state = WatchState("cam0")
    state.add(decode_live_result(json.dumps(result)), 10.0)
    assert "happy? uncertain" in shown(state)


def test_smoothed_probabilities_are_preferred() -> None:
    result = live("1-0")
    result["faces"][0]["smoothed"] = {**result["faces"][0]["probabilities"], "happy": 0.91}
    state = WatchState("cam0")
    state.add(decode_live_result(json.dumps(result)), 10.0)
    assert "91%" in shown(state)


def test_no_face() -> None:
    state = WatchState("cam0")
    state.add(decode_live_result(json.dumps({**live("1-0"), "faces": []})), 10.0)
    assert "no face" in shown(state)


def test_rate_drops_and_events() -> None:
    state = seen(count=21, detect=2)
    text = shown(state)
    assert "10.0 fps" in text
    assert "42 dropped" in text
    assert text.count("face a1: happy started") == 5


def test_rate_falls_without_results() -> None:
    state = seen(count=21)
    assert state.fps(11.0) < 10.0
    assert state.fps(60.0) == 0.0


def test_problem_is_shown_until_a_result_arrives() -> None:
    state = seen()
    state.status = FeedStatus("lost", "connection reset")
    assert "lost: connection reset" in shown(state)
    state.add(decode_live_result(json.dumps(live("2-0"))), 10.0)
    assert "lost" not in shown(state)


def test_bars() -> None:
    assert bar(0.0) == " " * BAR_WIDTH
    assert bar(1.0) == bar(7.0) == "█" * BAR_WIDTH
    assert bar(0.5 / BAR_WIDTH).strip() == "▌"
    assert {len(bar(share / 100)) for share in range(101)} == {BAR_WIDTH}
