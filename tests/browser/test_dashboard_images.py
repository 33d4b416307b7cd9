"""The images tab: choose, drop and paste images; results and errors of each."""

import base64
import csv
import io
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.dashboard import EMOTIONS, TIMEOUT_MS, expect_emotion, expect_state, open_dashboard, wait_for_bars
from tests.browser.stack import Stack
from tests.support import images

MARKUP_NAME = "<img src=x onerror=document.title='executed'>.jpg"


def test_chosen_images_have_results_or_errors(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        title = dashboard.page.title()
        dashboard.choose(
            ("one.jpg", images.encode(images.one_face())),
            ("two.png", images.encode(images.two_faces(), ".png")),
            ("wall.jpg", images.encode(images.no_face())),
            ("turned.jpg", images.jpeg_with_orientation(images.turned_left(images.one_face()), 6)),
            (MARKUP_NAME, b"not an image"),
            ("huge.png", images.huge_png()),
            ("anim.gif", b"GIF89a" + bytes(40)),
            ("film.mp4", bytes(40)),
        )
        assert list(wait_for_bars(dashboard.image("one.jpg"), "happy")) == EMOTIONS
        two, wall = dashboard.image("two.png"), dashboard.image("wall.jpg")
        expect(two.locator(".face:visible")).to_have_count(2, timeout=TIMEOUT_MS)
        expect(two.locator(".box:visible")).to_have_count(2)
        expect_state(wall, "done")
        expect(wall.locator(".face:visible")).to_have_count(0)
        expect_emotion(dashboard.image("turned.jpg"), "happy")
        for name in (MARKUP_NAME, "huge.png", "anim.gif", "film.mp4"):
            expect_state(dashboard.image(name), "failed")
        expect(dashboard.image("huge.png")).to_contain_text("pixels")
        expect(dashboard.image("film.mp4")).to_contain_text("emotion predict")
        assert dashboard.page.title() == title, "the name of a file was interpreted as markup"
        with dashboard.page.expect_download() as download:
            dashboard.panel("images").get_by_role("button", name="CSV").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
        faces = [(row["face"], row["emotion"]) for row in rows if row["image"] == "two.png"]
        assert faces == [("1", "happy"), ("2", "happy")]
        problem = next(row["problem"] for row in rows if row["image"] == MARKUP_NAME)
        expect(dashboard.image(MARKUP_NAME)).to_contain_text(problem)
        dashboard.page.get_by_role("button", name="Remove all").click()
        expect(dashboard.page.get_by_role("article")).to_have_count(0)


DROP = """([target, kind, name, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: 'image/jpeg'}));
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true, cancelable: true})
        : new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.querySelector(target).dispatchEvent(event);
}"""


def test_images_can_be_dropped_and_pasted(browser: Browser, stack: Stack) -> None:
    data = base64.b64encode(images.encode(images.one_face())).decode()
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        dashboard.page.evaluate(DROP, [".drop-zone", "drop", "dropped.jpg", data])
        dashboard.page.evaluate(DROP, ["body", "paste", "pasted.jpg", data])
        expect_emotion(dashboard.image("dropped.jpg"), "happy")
        expect_emotion(dashboard.image("pasted.jpg"), "happy")
        dashboard.select_tab("Cameras")
        dashboard.page.evaluate(DROP, ["body", "paste", "other-tab.jpg", data])
        dashboard.select_tab("Images")
        expect(dashboard.panel("images").get_by_role("article")).to_have_count(2)


def test_file_over_the_size_limit_fails(browser: Browser, stack: Stack) -> None:
    settings = {"EMOTION_GATEWAY_BODY_LIMIT_BYTES": "20480"}
    with stack.another_gateway(settings) as gateway, open_dashboard(browser) as dashboard:
        dashboard.open(gateway.url(), "images")
        dashboard.choose(("large.jpg", images.encode(images.one_face()) + bytes(60_000)))
        expect_state(dashboard.image("large.jpg"), "failed")
        expect(dashboard.image("large.jpg")).to_contain_text("limit")


def test_at_most_24_images_are_kept(browser: Browser, stack: Stack) -> None:
    small = images.encode(images.portrait(side=64))
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        articles = dashboard.panel("images").get_by_role("article")
        dashboard.choose(*((f"{number}.jpg", small) for number in range(26)))
        expect(dashboard.panel("images").locator("[data-note]")).to_contain_text("24")
        expect(articles).to_have_count(24)
        expect(articles.last).to_have_attribute("aria-label", "0.jpg")
        dashboard.choose(*((f"new-{number}.jpg", small) for number in range(10)))
        expect(articles).to_have_count(24)
        expect(articles.first).to_have_attribute("aria-label", "new-9.jpg")
