"""The tab of images: chosen, dropped, pasted; what was found in them, and what is told of those that can't be read."""

import base64
import csv
import io
from pathlib import Path

from playwright.sync_api import Browser, Locator, expect

from tests.browser.dashboard import EMOTIONS, PATIENCE_MS, Dashboard, bars, opened, shows
from tests.browser.stack import Stack
from tests.support import images

NASTY = "<img src=x onerror=document.title='taken'>.jpg"


def card(dashboard: Dashboard, name: str) -> Locator:
    return dashboard.page.get_by_role("article", name=name, exact=True)


def test_several_images_are_shown_with_their_faces_or_what_is_wrong(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        dashboard.choose(
            ("one.jpg", images.encode(images.one_face())),
            ("two.png", images.encode(images.two_faces(), ".png")),
            ("wall.jpg", images.encode(images.no_face())),
            ("turned.jpg", images.jpeg_with_orientation(images.turned_left(images.one_face()), 6)),
            (NASTY, b"not an image"),
            ("huge.png", images.huge_png()),
            ("anim.gif", b"GIF89a" + bytes(40)),
        )
        assert list(bars(card(dashboard, "one.jpg"), "happy")) == EMOTIONS
        expect(card(dashboard, "two.png").locator(".face:visible")).to_have_count(2, timeout=PATIENCE_MS)
        expect(card(dashboard, "two.png").locator(".box:visible")).to_have_count(2)
        expect(card(dashboard, "wall.jpg")).to_contain_text("No face was found", timeout=PATIENCE_MS)
        shows(card(dashboard, "turned.jpg"), "happy")
        expect(card(dashboard, NASTY)).to_contain_text("This is no image that can be read", timeout=PATIENCE_MS)
        expect(card(dashboard, "huge.png")).to_contain_text("The image has too many pixels", timeout=PATIENCE_MS)
        expect(card(dashboard, "anim.gif").locator(".pill")).to_have_text("not read", timeout=PATIENCE_MS)
        assert dashboard.page.title() == "Emotion recognition", "a file's name became markup"
        with dashboard.page.expect_download() as download:
            dashboard.page.locator("#panel-images").get_by_role("button", name="Save as CSV").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
        assert [(row["face"], row["emotion"]) for row in rows if row["image"] == "two.png"] == [
            ("1", "happy"),
            ("2", "happy"),
        ]
        assert next(row["problem"] for row in rows if row["image"] == NASTY) == "This is no image that can be read"
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


def test_images_may_be_dropped_and_pasted(browser: Browser, stack: Stack) -> None:
    data = base64.b64encode(images.encode(images.one_face())).decode()
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        dashboard.page.evaluate(DROP, [".drop-zone", "drop", "dropped.jpg", data])
        dashboard.page.evaluate(DROP, ["body", "paste", "pasted.jpg", data])
        shows(card(dashboard, "dropped.jpg"), "happy")
        shows(card(dashboard, "pasted.jpg"), "happy")
        dashboard.page.get_by_role("tab", name="Cameras").click()
        dashboard.page.evaluate(DROP, ["body", "paste", "elsewhere.jpg", data])
        dashboard.page.get_by_role("tab", name="Images").click()
        expect(dashboard.page.locator("#panel-images article")).to_have_count(2)


def test_an_image_over_the_limit_is_told(browser: Browser, stack: Stack) -> None:
    with stack.another_gateway({"EMOTION_GATEWAY_BODY_LIMIT_BYTES": "20000"}) as gateway, opened(browser) as dashboard:
        dashboard.open(gateway.url(), "images")
        dashboard.choose(("large.jpg", images.encode(images.one_face()) + bytes(60_000)))
        expect(card(dashboard, "large.jpg").locator(".pill")).to_have_text("not read", timeout=PATIENCE_MS)
        expect(card(dashboard, "large.jpg")).to_contain_text("larg")


def test_only_the_newest_images_are_held(browser: Browser, stack: Stack) -> None:
    small = images.encode(images.portrait(side=64))
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        for batch in range(3):
            names = [f"{batch}-{number}.jpg" for number in range(10)]
            dashboard.choose(*((name, small) for name in names))
        articles = dashboard.page.locator("#panel-images article")
        expect(articles).to_have_count(24)
        expect(articles.first).to_have_attribute("aria-label", "2-9.jpg")


def test_more_images_than_are_held_at_once_are_left_out_and_that_is_told(browser: Browser, stack: Stack) -> None:
    small = images.encode(images.portrait(side=64))
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "images")
        dashboard.choose(*((f"{number}.jpg", small) for number in range(26)))
        panel = dashboard.page.locator("#panel-images")
        expect(panel.get_by_text("Only 24 images are taken at once: the last 2 were left out.")).to_be_visible()
        expect(panel.locator("article")).to_have_count(24)
        expect(panel.locator("article").last).to_have_attribute("aria-label", "0.jpg")
