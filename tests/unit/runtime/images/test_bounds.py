"""What a file may hold of each repeatable part."""

import pytest

from services.runtime.images import ImageTooLargeError, InvalidImageError, jpeg, png, read_header, webp
from tests.support import crafted_images as crafted

LIMIT = 40_000_000
PIXEL = b"VP8L" + (5).to_bytes(4, "little") + b"\x2f\0\0\0\0\0"


@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0xDB, 0xC4, 0xDD, 0xDC])
@pytest.mark.parametrize("before_frame", [True, False])
def test_segments_of_a_jpeg(marker: int, before_frame: bool) -> None:
    some = crafted.jpeg_with(crafted.segment(marker) * (jpeg.MAX_SEGMENTS - 10), before_frame)
    assert read_header(some, LIMIT).width == 64
    with pytest.raises(InvalidImageError, match="segments"):
        read_header(crafted.jpeg_with(crafted.segment(marker) * jpeg.MAX_SEGMENTS, before_frame), LIMIT)


def test_restart_markers_between_segments_count_as_segments() -> None:
    with pytest.raises(InvalidImageError, match="segments"):
        read_header(crafted.jpeg_with(b"\xff\xd0" * jpeg.MAX_SEGMENTS), LIMIT)


def test_restart_markers_within_a_scan_are_data() -> None:
    data = crafted.jpeg_with(b"\xff\xd0" * 100_000, before_frame=False)
    assert read_header(data, LIMIT).data is data


@pytest.mark.parametrize("fill", [b"\xff", b"\0", b"\xff\0", b"x"])
def test_fill_bytes_of_a_jpeg(fill: bytes) -> None:
    assert read_header(crafted.jpeg_with(fill * 4000), LIMIT).width == 64
    with pytest.raises(InvalidImageError):
        read_header(crafted.jpeg_with(fill * (jpeg.MAX_FILL_BYTES + 1)), LIMIT)


@pytest.mark.parametrize("components", [1, 3, 4])
def test_scans_of_a_jpeg(components: int) -> None:
    for size in ((64, 64), (3000, 3000), (crafted.WIDE, crafted.HIGH)):
        budget = jpeg.MAX_FULL_PASSES * LIMIT // (size[0] * size[1]) - components
        most = min(jpeg.MAX_SCANS - 1, budget)
        assert read_header(crafted.jpeg_with_scans(most, *size, components), LIMIT).scans == most + 1
        with pytest.raises(ImageTooLargeError, match="scans"):
            read_header(crafted.jpeg_with_scans(most + 1, *size, components), LIMIT)


def test_a_scan_in_arithmetic_coding_counts_twice() -> None:
    assert read_header(crafted.jpeg_with_scans(14, marker=0xCA), LIMIT).scans == 15
    with pytest.raises(ImageTooLargeError):
        read_header(crafted.jpeg_with_scans(20, marker=0xCA), LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + crafted.tables() + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9) * 2 + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9) + crafted.scan() + crafted.frame_header(9, 9) + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9) + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 0) + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(0, 9) + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9, 2) + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9, 10) + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.frame_header(9, 9) + b"\xff\xd8" + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.segment(0xC0, b"\x0c\0\x09\0\x09\x01\x01\x11\0") + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8" + crafted.segment(0xC0, b"\x08") + crafted.scan() + b"\xff\xd9",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\xff\xff",
    ],
)
def test_jpegs_without_one_frame_of_a_known_form(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match=r"JPEG|pixels"):
        read_header(data, LIMIT)


def test_a_jpeg_that_is_cut_off_in_its_data_is_the_decoders_to_judge() -> None:
    data = crafted.jpeg_with(b"")
    assert read_header(data[:-2], LIMIT).data == data[:-2]
    assert read_header(data[:-8], LIMIT).data == data[:-8]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"sPLT", b"acTL", b"tRNS", b"ABCD"])
def test_chunks_of_a_png_without_pixels(kind: bytes) -> None:
    assert read_header(crafted.png(before_data=crafted.png_chunk(kind) * png.MAX_CHUNKS), LIMIT).width == 64
    many = crafted.png_chunk(kind) * (png.MAX_CHUNKS + 1)
    for data in (crafted.png(before_data=many), crafted.png(after_data=many)):
        with pytest.raises(InvalidImageError, match="chunks"):
            read_header(data, LIMIT)


@pytest.mark.parametrize("kind", [b"IDAT", b"fdAT", b"fcTL"])
def test_chunks_of_a_png_with_pixels(kind: bytes) -> None:
    assert read_header(crafted.png(after_data=crafted.png_chunk(kind) * (png.MAX_CHUNKS - 1)), LIMIT).width == 64
    with pytest.raises(InvalidImageError, match="chunks"):
        read_header(crafted.png(after_data=crafted.png_chunk(kind) * (2 * png.MAX_CHUNKS)), LIMIT)
    full = crafted.png_chunk(kind, bytes(png.MIN_DATA_CHUNK_BYTES))
    assert read_header(crafted.png(after_data=full * (5 * png.MAX_CHUNKS)), LIMIT).width == 64


@pytest.mark.parametrize(
    "data",
    [
        crafted.PNG_SIGNATURE,
        crafted.PNG_SIGNATURE + crafted.png_chunk(b"IHDR", b"short"),
        crafted.PNG_SIGNATURE + crafted.png_chunk(b"tEXt") + crafted.png()[8:],
        crafted.png(0, 5),
    ],
)
def test_pngs_without_a_header(data: bytes) -> None:
    with pytest.raises(InvalidImageError):
        read_header(data, LIMIT)


def test_a_png_of_too_many_pixels() -> None:
    with pytest.raises(ImageTooLargeError):
        read_header(crafted.png(2**31 - 1, 2**31 - 1, data=b""), LIMIT)


@pytest.mark.parametrize("kind", [b"ICCP", b"EXIF", b"XMP ", b"ALPH", b"abcd"])
def test_chunks_of_a_webp(kind: bytes) -> None:
    canvas = crafted.webp_canvas(1, 1)
    some = [crafted.webp_chunk(kind)] * (webp.MAX_CHUNKS - 2)
    assert read_header(crafted.webp(canvas, *some, crafted.webp_chunk(b"VP8L", PIXEL[8:])), LIMIT).width == 1
    with pytest.raises(InvalidImageError, match="chunks"):
        read_header(crafted.webp(canvas, PIXEL, *[crafted.webp_chunk(kind)] * webp.MAX_CHUNKS), LIMIT)


def test_frames_of_a_webp() -> None:
    head = [crafted.webp_canvas(1, 1, 2), crafted.webp_chunk(b"ANIM", bytes(6))]
    frame = crafted.webp_frame(crafted.webp_chunk(b"VP8L", PIXEL[8:]), 1, 1)
    assert read_header(crafted.webp(*head, *[frame] * webp.MAX_CHUNKS), LIMIT).width == 1
    with pytest.raises(InvalidImageError, match="chunks"):
        read_header(crafted.webp(*head, *[frame] * (2 * webp.MAX_CHUNKS)), LIMIT)
    many = crafted.webp_chunk(b"abcd") * (webp.MAX_CHUNKS + 1)
    with pytest.raises(InvalidImageError, match="chunks"):
        read_header(crafted.webp(*head, crafted.webp_frame(many, 1, 1)), LIMIT)


@pytest.mark.parametrize("flags", [0, 2])
def test_a_webp_whose_canvas_is_larger_than_allowed_or_than_its_picture(flags: int) -> None:
    picture = crafted.webp_chunk(b"VP8L", PIXEL[8:])
    content = [crafted.webp_chunk(b"ANIM", bytes(6)), crafted.webp_frame(picture, 1, 1)] if flags else [picture]
    with pytest.raises(ImageTooLargeError):
        read_header(crafted.webp(crafted.webp_canvas(16384, 16384, flags), *content), LIMIT)
    larger = crafted.webp(crafted.webp_canvas(4, 4, flags), *content)
    if flags:
        assert read_header(larger, LIMIT).width == 4
        outside = crafted.webp_frame(picture, 1, 1, left=4)
        with pytest.raises(InvalidImageError):
            read_header(crafted.webp(crafted.webp_canvas(4, 4, flags), content[0], outside), LIMIT)
        wrong = crafted.webp_frame(picture, 2, 2)
        with pytest.raises(InvalidImageError):
            read_header(crafted.webp(crafted.webp_canvas(4, 4, flags), content[0], wrong), LIMIT)
    else:
        with pytest.raises(InvalidImageError):
            read_header(larger, LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        crafted.webp(),
        crafted.webp(crafted.webp_chunk(b"VP8X", b"short")),
        crafted.webp(crafted.webp_canvas(1, 1)),
        crafted.webp(crafted.webp_canvas(1, 1, 2)),
        crafted.webp(crafted.webp_canvas(1, 1, 2), crafted.webp_chunk(b"ANMF", b"short")),
        crafted.webp(crafted.webp_chunk(b"VP8 ", bytes(10))),
        crafted.webp(crafted.webp_chunk(b"VP8L", b"")),
        crafted.webp(crafted.webp_chunk(b"ALPH"), crafted.webp_chunk(b"VP8L", PIXEL[8:])),
        crafted.webp(crafted.webp_chunk(b"VP8L", PIXEL[8:]))[:-1],
    ],
)
def test_webps_without_a_picture(data: bytes) -> None:
    with pytest.raises(InvalidImageError):
        read_header(data, LIMIT)
