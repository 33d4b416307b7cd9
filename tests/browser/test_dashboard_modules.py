"""The dashboard's pure functions, run in a browser; untrusted texts; memory of a page that stays open."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.dashboard import TIMEOUT_MS, expect_emotion, open_dashboard
from tests.browser.stack import Stack

FACE = {"angry": 0.1, "disgust": 0.1, "fear": 0.1, "happy": 0.4, "sad": 0.1, "surprise": 0.1, "neutral": 0.1}
MARKUP = "<img src=x onerror=\"document.title='executed'\">"


@pytest.fixture(scope="module")
def modules(browser: Browser, stack: Stack) -> Iterator[Page]:
    """One page for all tests of pure functions."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{stack.gateway.url()}/")
        yield page


def call(page: Page, module: str, script: str, argument: Any = None) -> Any:
    """Return the result of a JavaScript function of a module and an argument."""
    return page.evaluate(
        f"async (argument) => ({script})(await import('/dashboard/lib/{module}.js'), argument)", argument
    )


def test_timeline_has_a_fixed_size(modules: Page) -> None:
    seconds, used = call(
        modules,
        "timeline",
        """({Timeline}, probabilities) => {
            const timeline = new Timeline();
            const face = {probabilities, emotion: "happy", reliable: true};
            for (let second = 0; second < 3 * 86400; second += 7) timeline.add(second * 1000, [face]);
            const seconds = timeline.seconds((3 * 86400 - 1) * 1000);
            return [seconds.length, seconds.filter(Boolean).length];
        }""",
        FACE,
    )
    assert seconds == 300
    assert 42 <= used <= 43


def test_timeline_second_is_the_mean_of_its_results(modules: Page) -> None:
    now, later = call(
        modules,
        "timeline",
        """({Timeline, describeShares}, probabilities) => {
            const timeline = new Timeline();
            const face = (reliable) => ({probabilities, emotion: "happy", reliable});
            timeline.add(10_000, [face(true), face(true)], {ageMs: 40, dropped: 2});
            timeline.add(10_500, [face(true)], {ageMs: 60, dropped: 1});
            timeline.add(11_000, [face(false)]);
            timeline.add(12_000, []);
            const seconds = timeline.seconds(12_000);
            const later = timeline.seconds(312_000).filter(Boolean);
            return [{last: seconds.slice(-3), text: describeShares(seconds)}, later];
        }""",
        FACE,
    )
    first, second, third = now["last"]
    assert (first["results"], first["faces"], first["dropped"], first["ageMs"]) == (2, 2, 3, 60)
    assert (first["emotion"], first["reliable"], round(first["confidence"], 6)) == ("happy", True, 0.4)
    assert (second["emotion"], second["reliable"]) == ("happy", False)
    assert third["emotion"] is None
    assert re.findall(r"(\w+) 50%", now["text"]) == ["happy", "uncertain"]
    assert later == []


def test_frames_are_paired_with_their_results(modules: Page) -> None:
    pairs = call(
        modules,
        "frame_sync",
        """({FrameSync}) => {
            const sync = new FrameSync();
            const pairs = [];
            const frame = (id, now) => pairs.push(sync.addFrame(id, `f${id}`, now));
            const result = (id, now) => pairs.push(sync.addResult(id, `r${id}`, now));
            frame("100-0", 0); result("100-0", 50);
            frame("133-0", 60); frame("166-0", 90); result("133-0", 100);
            result("166-0", 120); frame("200-0", 130); frame("233-0", 2000); result("266-0", 5000);
            return pairs;
        }""",
    )
    assert pairs == [
        {"frame": "f100-0", "result": None},  # no results yet, so frames do not wait
        None,
        None,
        None,
        {"frame": "f133-0", "result": "r133-0"},
        {"frame": "f166-0", "result": "r166-0"},
        None,
        {"frame": "f233-0", "result": None},  # results have stopped
        {"frame": None, "result": "r266-0"},  # frames have stopped
    ]


def test_queue_of_frames_is_bounded(modules: Page) -> None:
    result = call(
        modules,
        "frame_sync",
        """({FrameSync}) => {
            const sync = new FrameSync();
            sync.addResult("1-0", "r", 0);
            let shown = 0;
            for (let at = 2; at < 5000; at += 1) shown += sync.addFrame(`${at}-0`, at, 1) ? 1 : 0;
            return [shown, sync.addResult("17-0", "r", 2), sync.addResult("4980-0", "r", 3)];
        }""",
    )
    assert result == [4998 - 24, None, {"frame": 4980, "result": "r"}]


def test_displayed_emotion_is_debounced(modules: Page) -> None:
    emotions = call(
        modules,
        "faces",
        """({EmotionDebouncer}, probabilities) => {
            const debouncer = new EmotionDebouncer();
            const at = (now, emotion, id = "a-1") =>
                debouncer.update([{id, emotion, reliable: true, probabilities}], now)[0].emotion;
            return [at(0, "happy"), at(100, "sad"), at(200, "happy"), at(300, "sad"), at(600, "sad"), at(710, "sad"),
                    at(720, "fear", null)];
        }""",
        FACE,
    )
    assert emotions == ["happy", "happy", "happy", "happy", "happy", "sad", "fear"]


def test_csv_has_no_formulas_and_quotes_cells(modules: Page) -> None:
    text = call(
        modules,
        "export",
        """({toCsv}) => {
            const rows = [{a: '=HYPERLINK("x")', b: 'one, "two"', c: -1.5}, {a: null, b: true}];
            return toCsv(rows, ["a", "b", "c"]);
        }""",
    )
    assert text == 'a,b,c\r\n"\'=HYPERLINK(""x"")","one, ""two""",-1.5\r\n,true,\r\n'


def test_backoff_doubles_up_to_a_limit(modules: Page) -> None:
    delays = call(
        modules,
        "backoff",
        """({Backoff}) => {
            const backoff = new Backoff(500, 8000, () => 1);
            const delays = [1, 2, 3, 4, 5, 6].map(() => backoff.nextDelay());
            backoff.reset();
            return [...delays, backoff.nextDelay()];
        }""",
    )
    assert delays == [500, 1000, 2000, 4000, 8000, 8000, 500]


def test_each_webcam_error_has_its_own_text(modules: Page) -> None:
    names = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "SomethingNew"]
    texts = call(
        modules,
        "text",
        "({webcamErrorText}, names) => names.map((name) => webcamErrorText({name, message: 'm'}))",
        names,
    )
    assert len({headline for headline, _ in texts}) == len(names)
    assert all(detail for _, detail in texts)


@pytest.mark.parametrize(
    ("states", "webcam", "words"),
    [
        (None, False, ["may"]),
        (None, True, ["webcam", "is active"]),
        (["offline"], False, ["No camera"]),
        ([], True, ["webcam", "is active"]),
        (["online", "failed"], False, ["1 camera is active"]),
        (["online", "online"], False, ["2 cameras are active"]),
        (["online"], True, ["1 camera", "webcam", "are active"]),
    ],
)
def test_active_cameras_are_named(modules: Page, states: list[str] | None, webcam: bool, words: list[str]) -> None:
    cameras = None if states is None else [{"state": state} for state in states]
    script = "({activeCamerasText}, [cameras, webcam]) => activeCamerasText(cameras, webcam)"
    text = call(modules, "text", script, [cameras, webcam])
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("dependency", ["redis", "detector", "model", "another"])
def test_unavailable_and_slow_dependencies_have_their_own_texts(modules: Page, dependency: str) -> None:
    headlines = set()
    for kind in ("dependency-unavailable", "dependency-timeout"):
        problem = {"type": f"urn:emotion:problem:{kind}", "dependency": dependency, "detail": "d", "title": "t"}
        text = call(modules, "text", "({problemText}, problem) => problemText(problem)", problem)
        assert text["detail"] == "d"
        headlines.add(text["headline"])
    assert len(headlines) == 2


def test_size_limit_is_readable(modules: Page) -> None:
    problem = {"type": "urn:emotion:problem:body-too-large", "limit_bytes": 10_485_760, "detail": "d"}
    text = call(modules, "text", "({problemText}, problem) => problemText(problem)", problem)
    assert "10 MiB" in text["detail"]


def test_untrusted_texts_are_not_markup(browser: Browser, stack: Stack) -> None:
    def respond(route: Route) -> None:
        camera = {"id": "cam0", "state": MARKUP, "source": MARKUP, "fps": 1, "width": 2, "height": 3, "age_ms": None}
        counts = {"published": 0, "dropped": 0, "reconnects": 0, "last_error": MARKUP}
        route.fulfill(json={"cameras": [camera | counts, camera | counts | {"id": MARKUP}]})

    with open_dashboard(browser) as dashboard:
        dashboard.page.route(re.compile("/cameras$"), respond)
        services = {"services": {MARKUP: {"ok": False, "required": True, "detail": MARKUP}}}
        dashboard.page.route(re.compile("/services$"), lambda route: route.fulfill(body=json.dumps(services)))
        dashboard.open(stack.gateway.url())
        page = dashboard.page
        expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
        expect(dashboard.banner()).to_contain_text(MARKUP)
        expect(dashboard.camera().locator(".about")).to_contain_text(MARKUP)
        message = page.get_by_role("article").last.locator(".stage-message")
        expect(message).to_contain_text(MARKUP, timeout=TIMEOUT_MS)
        assert page.title() == "Emotion recognition"
        assert page.locator("img[src='x']").count() == 0


def test_trusted_types_reject_markup(modules: Page) -> None:
    script = "() => { try { document.body.innerHTML = '<b>in</b>'; } catch (error) { return error.name; } }"
    assert modules.evaluate(script) == "TypeError"


def test_memory_of_an_open_page_is_stable(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        devtools = dashboard.page.context.new_cdp_session(dashboard.page)
        devtools.send("Performance.enable")

        def measure() -> dict[str, float]:
            devtools.send("HeapProfiler.collectGarbage")
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            return {metric["name"]: metric["value"] for metric in metrics}

        def use_page(times: int) -> None:
            for _ in range(times):
                expect_emotion(dashboard.camera(), "happy")
                expect_emotion(dashboard.camera(), "neutral")
                for name in ("Images", "Webcam", "Cameras"):
                    dashboard.select_tab(name)

        use_page(1)
        before = measure()
        use_page(2)
        after = measure()
    assert after["Nodes"] < before["Nodes"] + 100
    assert after["JSEventListeners"] < before["JSEventListeners"] + 20
    assert after["JSHeapUsedSize"] < before["JSHeapUsedSize"] + 3e6
