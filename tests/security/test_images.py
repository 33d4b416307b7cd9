"""Crafted images are rejected or decoded within limits on time and memory, and other clients are served meanwhile."""

import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from launcher.ports import free_port
from services.contracts.geometry import Box
from services.gateway.drawing.annotate import DamagedJpegError, draw
from services.runtime.images import ImageTooLargeError, InvalidImageError, read_header
from tests.security.resource_limits import run_with_limits
from tests.support import crafted_images as crafted
from tests.support import images
from tests.support.processes import ModuleProcess, descendants
from tests.support.waiting import wait_until

LIMIT = 40_000_000
MANY_BYTES = 10_000_000
JPEG = {"Content-Type": "image/jpeg"}
FACE = images.encode(images.one_face())
PIXEL = images.encode(images.scene(width=1, height=1), ".webp")[12:]


def many(part: bytes) -> bytes:
    """Repeat a part up to the size limit of an upload."""
    return part * (MANY_BYTES // len(part))


def exif_segments() -> bytes:
    """Return an EXIF block of 65,535 entries in many segments, which Pillow joins."""
    block = crafted.tiff([(tag, 7, 4_000_000, 800_000) for tag in range(65_535)], bytes(4_100_000))
    return b"".join(crafted.segment(0xE1, b"Exif\0\0" + block[at : at + 65_000]) for at in range(0, len(block), 65_000))


def overlapping_segments() -> bytes:
    entries, texts = 2000, 41_000
    block = crafted.tiff([(0x010E, 2, texts, 14 + 12 * entries)] * entries, b"y" * texts)
    return crafted.segment(0xE1, b"Exif\0\0" + block) * 150


def cyclic_exif() -> bytes:
    """Return an EXIF block whose directory references itself as next directory and as subdirectory."""
    block = crafted.tiff([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8), (0x0112, 3, 1, 6)])
    return crafted.segment(0xE1, b"Exif\0\0" + block[:-4] + (8).to_bytes(4, "little"))


def mpo_index(entries: int = 65_535) -> bytes:
    """Return the index of an MPO file with more entries than images."""
    return crafted.segment(0xE2, b"MPF\0" + crafted.tiff([(0xB001, 4, 1, entries), (0xB002, 7, 16 * entries, 100)]))


def webp_frames() -> bytes:
    return crafted.webp(
        crafted.webp_canvas(1, 1, 2), crafted.webp_chunk(b"ANIM", bytes(6)), many(crafted.webp_frame(PIXEL, 1, 1))
    )


CRAFTED_IMAGES: dict[str, Callable[[], bytes]] = {
    "100 scans": lambda: crafted.jpeg_with_scans(100),
    "400 scans": lambda: crafted.jpeg_with_scans(400),
    "1,000 scans": lambda: crafted.jpeg_with_scans(1000),
    "160,000 scans": lambda: crafted.jpeg_with_scans(160_000),
    "30 scans": lambda: crafted.jpeg_with_scans(30),
    "15 scans of 4 components": lambda: crafted.jpeg_with_scans(15, components=4),
    "15 scans in arithmetic coding": lambda: crafted.jpeg_with_scans(15, marker=0xCA),
    "160,000 scans of 64 pixels": lambda: crafted.jpeg_with_scans(160_000, 8, 8),
    "empty APP1 segments": lambda: crafted.jpeg_with(many(crafted.segment(0xE1))),
    "empty APP1 segments between scans": lambda: crafted.jpeg_with(many(crafted.segment(0xE1)), before_frame=False),
    "APP0 segments": lambda: crafted.jpeg_with(many(crafted.segment(0xE0, b"JFIF\0"))),
    "comments": lambda: crafted.jpeg_with(many(crafted.segment(0xFE))),
    "fill bytes": lambda: crafted.jpeg_with(many(b"\xff")),
    "bytes of no segment": lambda: crafted.jpeg_with(many(b"\0")),
    "escaped bytes": lambda: crafted.jpeg_with(many(b"\xff\0"), before_frame=False),
    "Huffman tables": lambda: crafted.jpeg_with(many(crafted.tables()[69:89])),
    "quantization tables": lambda: crafted.jpeg_with(many(crafted.tables()[:69])),
    "restart intervals": lambda: crafted.jpeg_with(many(crafted.segment(0xDD, b"\0\x01"))),
    "restart markers": lambda: crafted.jpeg_with(many(b"\xff\xd0")),
    "restart markers in a scan": lambda: crafted.jpeg_with(many(b"\xff\xd0\xff\xd1"), before_frame=False),
    "frame headers": lambda: crafted.jpeg_with(many(crafted.frame_header(64, 64))),
    "numbers of lines": lambda: crafted.jpeg_with(many(crafted.segment(0xDC, b"\0\x40")), before_frame=False),
    "starts of image": lambda: crafted.jpeg_with(many(b"\xff\xd8")),
    "exif of 65,535 entries in many segments": lambda: crafted.jpeg_with(exif_segments()),
    "exif of overlapping texts": lambda: crafted.jpeg_with(overlapping_segments()),
    "exif that names itself": lambda: crafted.jpeg_with(cyclic_exif()),
    "an index of 65,535 images": lambda: crafted.jpeg_with(mpo_index()),
    "many indexes of images": lambda: crafted.jpeg_with(many(mpo_index(4000))),
    **{
        f"{kind.decode()} chunks": lambda kind=kind: crafted.png(before_data=many(crafted.png_chunk(kind)))  # type: ignore[misc]  # mypy can't tell the default's type
        for kind in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"sPLT", b"hIST", b"tRNS", b"PLTE", b"acTL", b"abCD")
    },
    "IDAT chunks": lambda: crafted.png(data=many(crafted.png_chunk(b"IDAT"))),
    "IDAT chunks of a byte": lambda: crafted.png(after_data=many(crafted.png_chunk(b"IDAT", b"x"))),
    "frames of a png": lambda: crafted.png(
        before_data=crafted.png_chunk(b"acTL", (80_000).to_bytes(4, "big") + bytes(4)),
        after_data=crafted.png_frames(80_000),
    ),
    "exif of overlapping texts in a png": lambda: crafted.png(
        before_data=crafted.png_chunk(b"eXIf", crafted.overlapping_exif())
    ),
    "zTXt bomb": lambda: crafted.png(before_data=crafted.png_chunk(b"zTXt", b"k\0\0" + crafted.bomb())),
    "iTXt bomb": lambda: crafted.png(before_data=crafted.png_chunk(b"iTXt", b"k\0\1\0\0\0" + crafted.bomb())),
    "iCCP bomb": lambda: crafted.png(before_data=crafted.png_chunk(b"iCCP", b"k\0\0" + crafted.bomb())),
    "interlaced png": lambda: crafted.png(crafted.WIDE, crafted.HIGH, interlaced=True),
    "webp chunks": lambda: crafted.webp(crafted.webp_canvas(1, 1), many(crafted.webp_chunk(b"abcd")), PIXEL),
    "webp chunks in a frame": lambda: crafted.webp(
        crafted.webp_canvas(1, 1, 2),
        crafted.webp_chunk(b"ANIM", bytes(6)),
        crafted.webp_frame(many(crafted.webp_chunk(b"abcd")) + PIXEL, 1, 1),
    ),
    "frames of a webp": webp_frames,
    "a canvas of 16384 × 16384": lambda: crafted.webp(crafted.webp_canvas(16384, 16384), PIXEL),
    "an animation's canvas of 16384 × 16384": lambda: crafted.webp(
        crafted.webp_canvas(16384, 16384, 2), crafted.webp_chunk(b"ANIM", bytes(6)), crafted.webp_frame(PIXEL, 1, 1)
    ),
    "exif of overlapping texts in a webp": lambda: crafted.webp(
        crafted.webp_canvas(1, 1, 8), PIXEL, crafted.webp_chunk(b"EXIF", crafted.overlapping_exif())
    ),
}
TIMING_OUT: dict[str, Callable[[], bytes]] = {
    # 8 GB of zeros after the last row, all of which libpng decompresses.
    "a zlib bomb after the last row": lambda: crafted.png(64, 64, data=crafted.png_chunk(b"IDAT", crafted.bomb())),
}


def read_header_only(image: bytes) -> str:
    try:
        read_header(image, LIMIT)
    except (InvalidImageError, ImageTooLargeError):
        return "rejected"
    return "passed"


def draw_box(image: bytes) -> str:
    try:
        draw(image, None, [Box(1, 1, 20, 20)])
    except DamagedJpegError:
        return "rejected"
    return "drawn"


def cpu_s_by_image(work: Callable[[bytes], str]) -> dict[str, float]:
    """Return the CPU time of each crafted image, without that of generating it."""
    seconds = {}
    for name, make in CRAFTED_IMAGES.items():
        image = make()
        started = time.process_time()
        assert work(image) in ("rejected", "passed", "drawn")
        seconds[name] = time.process_time() - started
    return seconds


@pytest.mark.parametrize(("work", "memory_mb"), [(read_header_only, 150), (draw_box, 300)])
def test_crafted_images_are_read_within_limits(work: Callable[[bytes], str], memory_mb: int) -> None:
    seconds = run_with_limits(cpu_s_by_image, work, cpu_s=120, memory_mb=memory_mb, timeout_s=300).result
    assert {name: cost for name, cost in seconds.items() if cost > 1} == {}


def draw_box_at_the_limit() -> int:
    return len(draw(crafted.jpeg_with_scans(25, 4000, 3000, components=3), None, [Box(1, 1, 20, 20)]))


def test_most_expensive_frame_is_drawn_on_within_limits() -> None:
    run_with_limits(draw_box_at_the_limit, cpu_s=2, memory_mb=350)


class Detector(ModuleProcess):
    """A detector process on a free port."""

    def __init__(self, log: Path, **settings: str) -> None:
        port = free_port()
        variables = {f"EMOTION_DETECTOR_{name.upper()}": value for name, value in settings.items()}
        super().__init__("services.detector", log, {"EMOTION_DETECTOR_PORT": str(port), **variables})
        self.url = f"http://127.0.0.1:{port}"
        try:
            self.wait_until_answers(f"{self.url}/readyz")
        except BaseException:
            self.kill()
            raise

    def detect(self, image: bytes) -> httpx.Response:
        return httpx.post(f"{self.url}/detect", content=image, headers=JPEG, timeout=60, trust_env=False)

    def workers(self) -> list[int]:
        """Return the process ids of the workers, known by their OOM score."""
        return [pid for pid in self.tree()[1:] if _oom_score(pid) == "500"]


def _oom_score(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/oom_score_adj").read_text().strip()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detector]:
    with Detector(tmp_path_factory.mktemp("detector") / "log", log_format="json") as process:
        yield process


class OtherClient:
    """Another client, which sends valid requests continuously and records the statuses."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.statuses: list[int] = []

    def __enter__(self) -> "OtherClient":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.statuses.append(self._detector.detect(FACE).status_code)
            self._stop.wait(0.02)


def test_crafted_images_do_not_block_other_clients(detector: Detector) -> None:
    assert detector.detect(FACE).status_code == 200
    before_mb = detector.tree_resident_mb()
    with OtherClient(detector) as other_client:
        for name, make in CRAFTED_IMAGES.items():
            image = make()
            count_before = len(other_client.statuses)
            started = time.monotonic()
            answer = detector.detect(image)
            assert answer.status_code in (200, 422), (name, answer.text)
            assert time.monotonic() - started < 20, name
            wait_until(lambda count=count_before: len(other_client.statuses) > count + 1, "a response")  # type: ignore[misc]  # mypy can't infer the default's type
    assert set(other_client.statuses) == {200}
    assert detector.tree_resident_mb() < before_mb + 150
    # All lines are JSON, so decoders write no messages to the log.
    assert all(line.startswith("{") for line in detector.log().splitlines())


@pytest.mark.parametrize("name", TIMING_OUT)
def test_image_over_the_time_limit_ends_its_worker_only(detector: Detector, name: str) -> None:
    image = TIMING_OUT[name]()
    workers = set(detector.workers())
    with OtherClient(detector) as other_client:
        answer = detector.detect(image)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:image-too-large")
        wait_until(lambda: len(detector.workers()) == 2, "a new worker")
    assert set(other_client.statuses) == {200}
    assert len(workers & set(detector.workers())) == 1


def test_images_over_the_time_limit_in_all_workers_end_in_time(tmp_path: Path) -> None:
    with Detector(tmp_path / "log", max_work_s="0.3") as detector:
        image = TIMING_OUT["a zlib bomb after the last row"]()
        statuses: list[int] = []
        callers = [
            threading.Thread(target=lambda: statuses.append(detector.detect(image).status_code)) for _ in range(6)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert set(statuses) <= {422, 503}
        assert 422 in statuses
        wait_until(lambda: detector.detect(FACE).status_code == 200, "an answer")
        metrics = httpx.get(f"{detector.url}/metrics", trust_env=False).text
        assert f'detector_workers_replaced_total{{reason="overran"}} {statuses.count(422)}.0' in metrics


def test_many_images_over_the_time_limit_leave_a_worker_free(detector: Detector) -> None:
    image = TIMING_OUT["a zlib bomb after the last row"]()
    statuses: list[int] = []
    with OtherClient(detector) as other_client, ThreadPoolExecutor(8) as attackers:
        for _ in range(8):
            attackers.submit(lambda: statuses.extend(detector.detect(image).status_code for _ in range(3)))
    assert set(statuses) <= {422, 503}
    assert 422 in statuses
    assert len(other_client.statuses) > 10
    assert set(other_client.statuses) == {200}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_detector_recovers_from_a_signal_to_any_child_process(detector: Detector, number: signal.Signals) -> None:
    for pid in descendants(detector.tree()[0]):
        os.kill(pid, number)
        wait_until(lambda: detector.detect(FACE).status_code == 200, "an answer")
    wait_until(lambda: len(detector.workers()) == 2, "two workers")
    assert detector.detect(FACE).status_code == 200


def test_stopped_worker_is_replaced(tmp_path: Path) -> None:
    with Detector(tmp_path / "log", max_work_s="1", workers="1") as detector:
        (worker,) = detector.workers()
        os.kill(worker, signal.SIGSTOP)
        answer = detector.detect(FACE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        wait_until(lambda: detector.detect(FACE).status_code == 200, "an answer")
        assert worker not in detector.workers()


@pytest.mark.parametrize("busy", [False, True])
def test_killed_detector_leaves_no_process(tmp_path: Path, busy: bool) -> None:
    with Detector(tmp_path / "log", max_work_s="60", workers="3") as detector:
        children = descendants(detector.tree()[0])
        assert len(children) >= 3
        if busy:
            for _ in range(2):
                threading.Thread(
                    target=_detect_ignoring_errors,
                    args=(detector, TIMING_OUT["a zlib bomb after the last row"]()),
                    daemon=True,
                ).start()
            wait_until(
                lambda: sum(_cpu_s(pid) > 0.3 for pid in detector.workers()) == 2,
                "all workers for heavy images to be busy",
            )
        detector.kill()
        wait_until(lambda: not any(_is_running(pid) for pid in children), "all processes to end", 5)


def test_work_in_flight_is_finished_on_sigterm_to_all_processes(tmp_path: Path) -> None:
    with Detector(tmp_path / "log", workers="1") as detector:
        image = crafted.png(crafted.WIDE, crafted.HIGH)
        answers: list[int] = []
        caller = threading.Thread(target=lambda: answers.append(detector.detect(image).status_code))
        caller.start()
        (worker,) = detector.workers()
        wait_until(
            lambda: "detector_in_flight 1.0" in httpx.get(f"{detector.url}/metrics", trust_env=False).text, "the image"
        )
        children = descendants(detector.tree()[0])
        for pid in (*children, detector.tree()[0]):
            os.kill(pid, signal.SIGTERM)
        assert detector.exit_status() == 0
        caller.join()
        assert answers == [200]
        wait_until(lambda: not any(_is_running(pid) for pid in children), "all processes to end", 5)
        assert "Traceback" not in detector.log()
        assert worker in children


def _detect_ignoring_errors(detector: Detector, image: bytes) -> None:
    try:
        detector.detect(image)
    except httpx.HTTPError:
        return


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_bomb_decompresses_to_zeros() -> None:
    assert len(crafted.bomb()) < MANY_BYTES
    assert zlib.decompressobj().decompress(crafted.bomb(), 1000) == bytes(1000)
