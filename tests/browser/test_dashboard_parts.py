"""The page's pure parts, in the browser that they are for, and what the page is like after long."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.dashboard import PATIENCE_MS, opened, shows
from tests.browser.gateway import GatewayProcess
from tests.browser.stack import Stack

FACE = {"angry": 0.1, "disgust": 0.1, "fear": 0.1, "happy": 0.4, "sad": 0.1, "surprise": 0.1, "neutral": 0.1}
NASTY = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def parts(browser: Browser, gateway: GatewayProcess) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{gateway.url()}/")
        yield page


def call(page: Page, module: str, script: str, argument: Any = None) -> Any:
    """Return what a function of JavaScript makes of a module and an argument."""
    return page.evaluate(
        f"async (argument) => ({script})(await import('/dashboard/lib/{module}.js'), argument)", argument
    )


def test_a_timeline_takes_the_same_memory_after_days(parts: Page) -> None:
    seconds, held = call(
        parts,
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
    assert 42 <= held <= 43


def test_a_second_is_told_by_the_mean_of_its_results_and_forgotten_after_five_minutes(parts: Page) -> None:
    now, later = call(
        parts,
        "timeline",
        """({Timeline, shares}, probabilities) => {
            const timeline = new Timeline();
            const face = (reliable) => ({probabilities, emotion: "happy", reliable});
            timeline.add(10_000, [face(true), face(true)], {ageMs: 40, dropped: 2});
            timeline.add(10_500, [face(true)], {ageMs: 60, dropped: 1});
            timeline.add(11_000, [face(false)]);
            timeline.add(12_000, []);
            const told = timeline.seconds(12_000);
            return [{last: told.slice(-3), words: shares(told)}, timeline.seconds(312_000).filter(Boolean)];
        }""",
        FACE,
    )
    first, second, third = now["last"]
    assert (first["results"], first["faces"], first["dropped"], first["ageMs"]) == (2, 2, 3, 60)
    assert (first["emotion"], first["reliable"], round(first["confidence"], 6)) == ("happy", True, 0.4)
    assert (second["emotion"], second["reliable"]) == ("happy", False)
    assert third["emotion"] is None
    assert now["words"] == "happy 50 % · uncertain 50 %"
    assert later == []


def test_pictures_are_shown_with_the_result_of_their_frame(parts: Page) -> None:
    told = call(
        parts,
        "frame_sync",
        """({Pairing}) => {
            const pairing = new Pairing();
            const told = [];
            const picture = (id, now) => told.push(pairing.addPicture(id, `p${id}`, now));
            const result = (id, now) => told.push(pairing.addResult(id, `r${id}`, now));
            picture("100-0", 0); result("100-0", 50);
            picture("133-0", 60); picture("166-0", 90); result("133-0", 100);
            result("166-0", 120); picture("200-0", 130); picture("233-0", 2000); result("266-0", 5000);
            return told;
        }""",
    )
    assert told == [
        {"picture": "p100-0", "result": None},  # there are no results yet, so pictures don't wait
        None,
        None,
        None,
        {"picture": "p133-0", "result": "r133-0"},
        {"picture": "p166-0", "result": "r166-0"},
        None,
        {"picture": "p233-0", "result": None},  # results stopped
        {"picture": None, "result": "r266-0"},  # pictures stopped
    ]


def test_pictures_that_wait_are_few(parts: Page) -> None:
    most = call(
        parts,
        "frame_sync",
        """({Pairing}) => {
            const pairing = new Pairing();
            pairing.addResult("1-0", "r", 0);
            let shown = 0;
            for (let at = 2; at < 5000; at += 1) shown += pairing.addPicture(`${at}-0`, at, 1) ? 1 : 0;
            return [shown, pairing.addResult("17-0", "r", 2), pairing.addResult("4980-0", "r", 3)];
        }""",
    )
    assert most == [4998 - 24, None, {"picture": 4980, "result": "r"}], "those before have given way long since"


def test_what_is_told_does_not_flicker(parts: Page) -> None:
    told = call(
        parts,
        "faces",
        """({Steadiness}, probabilities) => {
            const steadiness = new Steadiness();
            const at = (now, emotion, id = "a-1") =>
                steadiness.settle([{id, emotion, reliable: true, probabilities}], now)[0].emotion;
            return [at(0, "happy"), at(100, "sad"), at(200, "happy"), at(300, "sad"), at(600, "sad"), at(710, "sad"),
                    at(720, "fear", null)];
        }""",
        FACE,
    )
    assert told == ["happy", "happy", "happy", "happy", "happy", "sad", "fear"]


def test_spreadsheets_get_no_formulas_and_odd_cells_are_quoted(parts: Page) -> None:
    text = call(
        parts,
        "export",
        """({toCsv}) => {
            const rows = [{a: '=HYPERLINK("x")', b: 'one, "two"', c: -1.5}, {a: null, b: true}];
            return toCsv(rows, ["a", "b", "c"]);
        }""",
    )
    assert text == 'a,b,c\r\n"\'=HYPERLINK(""x"")","one, ""two""",-1.5\r\n,true,\r\n'


def test_waits_double_up_to_a_limit_and_begin_anew(parts: Page) -> None:
    waits = call(
        parts,
        "backoff",
        """({Backoff}) => {
            const backoff = new Backoff(500, 8000, () => 1);
            const waits = [1, 2, 3, 4, 5, 6].map(() => backoff.next());
            backoff.reset();
            return [...waits, backoff.next()];
        }""",
    )
    assert waits == [500, 1000, 2000, 4000, 8000, 8000, 500]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "not allowed"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "busy"),
        ("OverconstrainedError", "gone"),
        ("SomethingNew", "could not be started"),
    ],
)
def test_each_reason_against_a_webcam_has_words(parts: Page, name: str, words: str) -> None:
    told = call(parts, "text", "({webcamProblem}, name) => webcamProblem({name, message: 'm'})", name)
    assert words in told[0]
    assert told[1]


@pytest.mark.parametrize(
    ("states", "webcam", "words"),
    [
        (None, False, "A camera may be watching."),
        (None, True, "This browser’s camera is watching."),
        (["offline"], False, "No camera is watching now."),
        ([], True, "This browser’s camera is watching."),
        (["online", "failed"], False, "A camera is watching."),
        (["online", "online"], False, "2 cameras are watching."),
        (["online"], True, "A camera and this browser’s camera are watching."),
    ],
)
def test_who_is_watching_is_told(parts: Page, states: list[str] | None, webcam: bool, words: str) -> None:
    cameras = None if states is None else [{"state": state} for state in states]
    script = "({watchingWords}, [cameras, webcam]) => watchingWords(cameras, webcam)"
    assert call(parts, "text", script, [cameras, webcam]) == words


@pytest.mark.parametrize("kind", ["dependency-unavailable", "dependency-timeout"])
@pytest.mark.parametrize("dependency", ["redis", "detector", "model", "another"])
def test_a_dependency_is_named(parts: Page, kind: str, dependency: str) -> None:
    problem = {"type": f"urn:emotion:problem:{kind}", "dependency": dependency, "detail": "d", "title": "t"}
    told = call(parts, "text", "({problemWords}, problem) => problemWords(problem)", problem)
    assert ("is too slow" in told["headline"]) is (kind == "dependency-timeout")
    assert told["detail"] == "d"


def test_texts_from_outside_stay_texts(browser: Browser, stack: Stack) -> None:
    def answer(route: Route) -> None:
        view = {"id": "cam0", "state": NASTY, "source": NASTY, "fps": 1, "width": 2, "height": 3, "age_ms": None}
        counts = {"published": 0, "dropped": 0, "reconnects": 0, "last_error": NASTY}
        route.fulfill(json={"cameras": [view | counts, view | counts | {"id": NASTY}]})

    with opened(browser) as dashboard:
        dashboard.page.route(re.compile("/cameras$"), answer)
        services = {"services": {NASTY: {"ok": False, "required": True, "detail": NASTY}}}
        dashboard.page.route(re.compile("/services$"), lambda route: route.fulfill(body=json.dumps(services)))
        dashboard.open(stack.gateway.url())
        page = dashboard.page
        expect(page.get_by_role("heading", name=NASTY)).to_be_visible()
        expect(dashboard.banner()).to_contain_text(NASTY)
        expect(dashboard.camera().locator(".about")).to_contain_text(NASTY)
        expect(page.locator("#panel-cameras article").last.locator(".stage-words")).to_contain_text(
            NASTY, timeout=PATIENCE_MS
        )
        assert page.title() == "Emotion recognition"
        assert page.locator("img[src='x']").count() == 0


def test_the_policy_lets_no_markup_in(parts: Page) -> None:
    assert (
        parts.evaluate("""() => {
        try {
            document.body.innerHTML = '<b>in</b>';
        } catch (error) {
            return error.name;
        }
    }""")
        == "TypeError"
    )


def test_a_page_that_is_open_for_long_does_not_grow(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        devtools = dashboard.page.context.new_cdp_session(dashboard.page)
        devtools.send("Performance.enable")

        def measured() -> dict[str, float]:
            devtools.send("HeapProfiler.collectGarbage")
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            return {metric["name"]: metric["value"] for metric in metrics}

        def look(times: int) -> None:
            for _ in range(times):
                shows(dashboard.camera(), "happy")
                shows(dashboard.camera(), "neutral")
                for name in ("Images", "Webcam", "Cameras"):
                    dashboard.page.get_by_role("tab", name=name).click()

        look(1)
        before = measured()
        look(2)
        after = measured()
    assert after["Nodes"] < before["Nodes"] + 100
    assert after["JSEventListeners"] < before["JSEventListeners"] + 20
    assert after["JSHeapUsedSize"] < before["JSHeapUsedSize"] + 3e6
