"""Images as pixels: what is decoded and how, what is refused, and the cache."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inkloom.data import images
from inkloom.data.images import GREY, BrokenImageError, decode_images, read_image


def save(path, pixels, mode=None, **options):
    Image.fromarray(np.asarray(pixels, np.uint8), mode).save(path, **options)
    return path


def plain(height, width, colour=(200, 30, 60)):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".jpg", ".webp", ".gif"])
def test_every_accepted_kind_is_read(tmp_path, ending):
    read = read_image(save(tmp_path / f"a{ending}", plain(20, 20)), 8)
    assert read.shape == (8, 8, 3)
    assert read.dtype == np.uint8
    assert abs(read.astype(int) - (200, 30, 60)).max() <= 12  # JPEG and WebP lose some


def test_an_image_of_the_right_size_keeps_its_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", pixels), 16), pixels)


def test_proportions_are_kept_and_the_rest_is_grey(tmp_path):
    read = read_image(save(tmp_path / "a.png", plain(10, 40)), 16)
    assert (read[6:10] == (200, 30, 60)).all()
    assert (read[:6] == GREY).all()
    assert (read[10:] == GREY).all()


def test_transparent_parts_are_white(tmp_path):
    pixels = np.dstack([plain(8, 8), np.full((8, 8), 255, np.uint8)])
    pixels[:4, :, 3] = 0
    read = read_image(save(tmp_path / "a.png", pixels), 8)
    assert (read[:4] == 255).all()
    assert (read[4:] == (200, 30, 60)).all()


def test_grey_palette_and_turned_images_are_read(tmp_path):
    assert (read_image(save(tmp_path / "grey.png", np.full((8, 8), 77)), 8) == 77).all()
    Image.fromarray(plain(8, 8)).convert("P").save(tmp_path / "palette.png")
    assert read_image(tmp_path / "palette.png", 8).shape == (8, 8, 3)
    pixels = plain(8, 8)
    pixels[:4] = 0
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    save(tmp_path / "turned.png", pixels, exif=exif)
    assert (read_image(tmp_path / "turned.png", 8)[4:] == 0).all()


def bomb(path, side):
    """A PNG whose header promises a square of `side` pixels, and that holds none."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [7_100, 9_600, 40_000])  # below and above where Pillow itself warns and refuses
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    with pytest.raises(BrokenImageError, match="pixels") as refused:
        read_image(bomb(tmp_path / "bomb.png", side), 8)
    assert "50,000,000" in str(refused.value)


def test_what_is_no_image_is_refused_in_one_line(tmp_path):
    whole = save(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3)))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:4000])
    save(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3)))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:1500])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    # PostScript is an image to Pillow, which would start a program to draw it.
    (tmp_path / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    for name in ("cut.png", "cut.jpg", "text.png", "empty.png", "script.png", "nothing.png", "."):
        with pytest.raises(BrokenImageError) as refused:
            read_image(tmp_path / name, 8)
        assert "\n" not in str(refused.value)
        assert "Give a JPEG" in str(refused.value)


def test_many_images_are_decoded_once_and_broken_ones_are_known(tmp_path, monkeypatch):
    paths = [save(tmp_path / f"{number}.png", plain(12, 12, (number, 0, 0))) for number in range(5)]
    paths[2].write_text("broken")
    first = decode_images(paths, 6)
    assert first.pixels_NSS3.shape == (5, 6, 6, 3)
    assert first.pixels_NSS3[:, 0, 0, 0].tolist() == [0, 1, 0, 3, 4]
    assert first.broken == {2: "it is no image, or of another kind"}
    monkeypatch.setattr(images, "_read", None)  # would fail where anything were decoded
    again = decode_images(paths, 6)
    np.testing.assert_array_equal(again.pixels_NSS3, first.pixels_NSS3)
    assert again.broken == first.broken


def test_a_changed_image_another_size_and_a_damaged_cache_are_decoded_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
    path = save(tmp_path / "a.png", plain(12, 12, (1, 0, 0)))
    assert decode_images([path], 6).pixels_NSS3[0, 0, 0, 0] == 1
    assert decode_images([path], 4).pixels_NSS3.shape == (1, 4, 4, 3)
    save(path, plain(13, 13, (2, 0, 0)))
    assert decode_images([path], 6).pixels_NSS3[0, 0, 0, 0] == 2
    for damage in (b"", b"short", bytes(1000)):
        for store in (tmp_path / "cache" / "images").iterdir():
            store.write_bytes(damage)
        assert decode_images([path], 6).pixels_NSS3[0, 0, 0, 0] == 2
