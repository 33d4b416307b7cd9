"""Real files of all formats: what is announced, and that nothing of the picture is lost."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header
from tests.support import crafted_images as crafted
from tests.support import images

LIMIT = 40_000_000
SIZE = (61, 43)


def textured(width: int = SIZE[0], height: int = SIZE[1], mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = Image.fromarray(pixels)
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def decoded(data: bytes) -> images.Pixels:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert image is not None
    return np.asarray(image, np.uint8)


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x010F] = "A camera"
    block[0x0112] = orientation
    return block


FILES: dict[str, bytes] = {
    "jpeg": saved(textured(), "JPEG"),
    "jpeg, gray": saved(textured(mode="L"), "JPEG"),
    "jpeg, CMYK": saved(textured(mode="CMYK"), "JPEG"),
    "jpeg, CMYK, progressive": saved(textured(mode="CMYK"), "JPEG", progressive=True),
    "jpeg, progressive": saved(textured(), "JPEG", progressive=True, optimize=True),
    "jpeg, restarts": saved(textured(), "JPEG", restart_marker_blocks=1),
    "jpeg, metadata": saved(textured(), "JPEG", exif=exif(6), icc_profile=bytes(3_000_000), comment=b"x" * 60_000),
    "png": saved(textured(), "PNG"),
    "png, alpha": saved(textured(mode="RGBA"), "PNG"),
    "png, palette": saved(textured(mode="P"), "PNG", transparency=3),
    "png, one bit": saved(textured(mode="1"), "PNG"),
    "png, 16 bits": images.png_16_bit(images.portrait(side=50)),
    "png, metadata": saved(textured(), "PNG", exif=exif(6), icc_profile=bytes(1_000_000), dpi=(72, 72)),
    "webp": saved(textured(), "WEBP"),
    "webp, lossless": saved(textured(), "WEBP", lossless=True),
    "webp, alpha": saved(textured(mode="RGBA"), "WEBP"),
    "webp, metadata": saved(textured(), "WEBP", exif=exif(6), icc_profile=bytes(1000), xmp=b"<x/>"),
}
ANIMATIONS: dict[str, bytes] = {
    "png": saved(textured(), "PNG", save_all=True, append_images=[textured(mode="L").convert("RGB")] * 3),
    "webp": saved(textured(), "WEBP", save_all=True, append_images=[textured(mode="L").convert("RGB")] * 3),
    "webp, alpha": saved(textured(mode="RGBA"), "WEBP", save_all=True, append_images=[textured(mode="RGBA")]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_picture_stays_what_it_is_without_its_metadata(name: str) -> None:
    data = FILES[name]
    header = read_header(data, LIMIT)
    with Image.open(io.BytesIO(data)) as image:
        assert (header.width, header.height) == image.size
    assert header.format == name.split(",")[0]
    assert header.orientation == (6 if "metadata" in name else 1)
    assert np.array_equal(decoded(header.data), decoded(data))
    if "metadata" in name:
        assert len(header.data) < len(data)
        assert b"A camera" not in header.data


@pytest.mark.parametrize("name", ANIMATIONS)
def test_of_an_animation_the_first_picture_is_left(name: str) -> None:
    data = ANIMATIONS[name]
    header = read_header(data, LIMIT)
    assert (header.width, header.height) == SIZE
    assert len(header.data) < len(data)
    assert int(np.abs(decoded(header.data).astype(int) - decoded(data)).max()) <= 1


def test_a_first_frame_smaller_than_its_canvas_stays_an_animation() -> None:
    picture = saved(textured(), "WEBP", lossless=True)[12:]
    frame = crafted.webp_frame(picture, *SIZE, left=10, top=20)
    data = crafted.webp(crafted.webp_canvas(100, 90, flags=0x0A), crafted.webp_chunk(b"ANIM", bytes(6)), frame, frame)
    header = read_header(data, LIMIT)
    assert (header.width, header.height) == (100, 90)
    assert np.array_equal(decoded(header.data), decoded(data))


def test_a_file_without_metadata_is_not_copied() -> None:
    data = saved(textured(), "PNG")
    assert read_header(data, LIMIT).data is data


@pytest.mark.parametrize("trailing", [b"\0", b"\xff\xd8\xff\xda" * 1000, bytes(100_000)])
def test_what_follows_a_picture_is_left_out(trailing: bytes) -> None:
    for image_format in ("JPEG", "PNG", "WEBP"):
        data = saved(textured(), image_format)
        assert read_header(data + trailing, LIMIT).data == data


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_read(image_format: str, orientation: int) -> None:
    data = saved(textured(), image_format, exif=exif(orientation))
    assert read_header(data, LIMIT).orientation == orientation


def test_the_first_exif_block_of_a_jpeg_counts() -> None:
    blocks = b"".join(crafted.segment(0xE1, b"Exif\0\0" + crafted.tiff([(0x0112, 3, 1, number)])) for number in (3, 6))
    assert read_header(crafted.jpeg_with(b"\xff\xe1\0\x07http:" + blocks), LIMIT).orientation == 3


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        crafted.tiff([]),
        crafted.tiff([(0x0112, 3, 1, 0)]),
        crafted.tiff([(0x0112, 3, 1, 9)]),
        crafted.tiff([(0x0112, 3, 1, 6)], offset=2**32 - 1),
        crafted.tiff([(0x0112, 3, 1, 6)], offset=0),
        crafted.tiff([(0x0112, 3, 1, 6)])[:12],
        crafted.tiff([(0x0112, 3, 1, 6)]).replace(b"II", b"XX"),
        crafted.tiff([(0x010F, 2, 9, 0)] * 5000 + [(0x0112, 3, 1, 6)]),
    ],
)
def test_damaged_metadata_costs_no_picture(block: bytes) -> None:
    assert read_header(crafted.jpeg_with(crafted.segment(0xE1, b"Exif\0\0" + block)), LIMIT).orientation == 1


def test_a_large_photograph_with_all_that_phones_write_passes() -> None:
    """EXIF with a thumbnail, extended XMP of a depth map, a profile of 255 parts, an index of pictures, and a film."""
    photo = saved(textured(800, 600), "JPEG", progressive=True)
    thumbnail = saved(textured(160, 120), "JPEG")
    metadata = [crafted.segment(0xE1, b"Exif\0\0" + crafted.tiff([(0x0112, 3, 1, 8)], thumbnail))]
    metadata += [crafted.segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) for _ in range(100)]
    metadata += [crafted.segment(0xE2, b"ICC_PROFILE\0" + bytes(60_000)) for _ in range(60)]
    metadata += [
        crafted.segment(0xE2, b"MPF\0" + crafted.tiff([])),
        crafted.segment(0xED, b"Photoshop 3.0\0" + thumbnail),
    ]
    data = photo[:2] + b"".join(metadata) + photo[2:]
    header = read_header(data + thumbnail + b"\0\0\0\x18ftypmp42" + bytes(3_000_000), LIMIT)
    assert header.orientation == 8
    assert header.scans == 10
    assert np.array_equal(decoded(header.data), decoded(photo))


def test_encoders_scripts_pass_at_the_largest_size() -> None:
    assert read_header(crafted.jpeg_with_scans(12, components=3), LIMIT).scans == 13
    assert read_header(crafted.jpeg_with_scans(18, components=4), LIMIT).scans == 19
    assert read_header(crafted.jpeg_with_scans(60, 1000, 1000), LIMIT).scans == 61


def test_a_png_of_the_largest_size_in_chunks_of_8_kib_passes() -> None:
    rows = np.random.default_rng(0).bytes(15_000_000)
    chunks = b"".join(crafted.png_chunk(b"IDAT", rows[at : at + 8192]) for at in range(0, len(rows), 8192))
    data = crafted.png(crafted.WIDE, crafted.HIGH, data=chunks)
    assert read_header(data, LIMIT).data is data


def test_the_pixel_limit() -> None:
    for image_format in ("JPEG", "PNG", "WEBP"):
        data = saved(textured(), image_format)
        assert read_header(data, 61 * 43).width == 61
        with pytest.raises(ImageTooLargeError, match="61 × 43 pixels"):
            read_header(data, 61 * 43 - 1)


@pytest.mark.parametrize(("wanted", "text"), [((ImageFormat.JPEG,), "a JPEG"), (tuple(ImageFormat), "PNG or WebP")])
def test_other_formats_are_refused(wanted: tuple[ImageFormat, ...], text: str) -> None:
    for data in (b"", b"GIF89a" + bytes(50), b"RIFF\x10\0\0\0WAVE", b"\xff\xd8", b"BM" + bytes(100)):
        with pytest.raises(InvalidImageError, match=text):
            read_header(data, LIMIT, wanted)
    with pytest.raises(InvalidImageError):
        read_header(saved(textured(), "PNG"), LIMIT, (ImageFormat.JPEG, ImageFormat.WEBP))


MODES = {"JPEG": ["RGB", "L", "CMYK"], "PNG": ["RGB", "RGBA", "L", "P", "1"], "WEBP": ["RGB", "RGBA"]}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_valid_picture_is_read_as_pillow_reads_it(data: st.DataObject) -> None:
    image_format = data.draw(st.sampled_from(sorted(MODES)))
    mode = data.draw(st.sampled_from(MODES[image_format]))
    options: dict[str, Any] = {"exif": exif(data.draw(st.integers(1, 8)))} if data.draw(st.booleans()) else {}
    options |= {"icc_profile": bytes(data.draw(st.integers(128, 200_000)))} if data.draw(st.booleans()) else {}
    if image_format == "JPEG":
        progressive = "icc_profile" not in options and data.draw(st.booleans())  # Pillow's buffer is too small for both
        options |= {"progressive": progressive, "quality": data.draw(st.integers(1, 95))}
        options |= {"restart_marker_blocks": data.draw(st.integers(0, 3))}
    size = data.draw(st.tuples(st.integers(1, 130), st.integers(1, 130)))
    file = saved(textured(*size, mode), image_format, **options)
    header = read_header(file, LIMIT)
    assert (header.width, header.height) == size
    assert header.orientation == (options["exif"][0x0112] if "exif" in options else 1)
    assert np.array_equal(decoded(header.data), decoded(file))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FILES | ANIMATIONS)), st.data())
def test_damaged_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    file = bytearray((FILES | ANIMATIONS)[name][:3000])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(file) - 1))
        kept = data.draw(st.integers(at, len(file)))
        file[at:kept] = data.draw(st.binary(max_size=20))
        if not file:
            break
    with_own_errors_only(bytes(file))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"\xff\xd8\xff", crafted.PNG_SIGNATURE, b"RIFF\xff\0\0\0WEBP", b""]), st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(start: bytes, rest: bytes) -> None:
    with_own_errors_only(start + rest)


def with_own_errors_only(file: bytes) -> None:
    try:
        header = read_header(file, LIMIT)
    except (InvalidImageError, ImageTooLargeError):
        return
    assert 1 <= header.width * header.height <= LIMIT
    assert len(header.data) <= len(file) + 1
