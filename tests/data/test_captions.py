"""Images with their captions as batches."""

import logging

import numpy as np
import pytest
from PIL import Image

from inkloom.corpus.base import Part
from inkloom.data.captions import NO_TARGET, CaptionBatches, encode_captions
from inkloom.errors import InputError
from inkloom.tokenizers.char import CharTokenizer

TEXTS = ("ab\nabc", "c", "bb\na\ncab", "ba", "abcabc")


@pytest.fixture
def part(tmp_path):
    for number in range(len(TEXTS)):
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    return Part("train", TEXTS, documents=True, conditions=tuple(f"{number}.png" for number in range(len(TEXTS))))


@pytest.fixture
def tokenizer():
    return CharTokenizer.fit(["abc"], CharTokenizer.Config())


def texts_of(tokenizer, batch):
    """What the targets of a batch say, with the image of each."""
    rows = []
    for image, inputs_T, targets_T in zip(batch.image_R, batch.inputs_RT, batch.targets_RT, strict=True):
        length = int((targets_T != NO_TARGET).sum())
        assert targets_T[length - 1] == tokenizer.end_id == inputs_T[0]
        assert (inputs_T[1:length] == targets_T[: length - 1]).all()
        number = int(batch.images_BSS3[image, 0, 0, 0])
        rows.append((number, tokenizer.decode(targets_T[: length - 1].tolist())))
    return rows


def test_a_batch_has_every_caption_of_its_images(part, tokenizer, tmp_path):
    captioned = encode_captions(tokenizer, part, tmp_path, 4)
    assert (captioned.captions, captioned.tokens, captioned.unknown_tokens) == (8, 20 + 8, 0)
    assert captioned.chars == captioned.bytes == 20 + 8
    rows = texts_of(tokenizer, captioned.batch([2, 0]))
    assert rows == [(2, "bb"), (2, "a"), (2, "cab"), (0, "ab"), (0, "abc")]
    assert captioned.head(2).paths == ("0.png", "1.png") or captioned.head(2).paths == ["0.png", "1.png"]
    assert captioned.head(2).captions == 3


def test_every_epoch_has_every_image_once_in_an_order_of_its_own(part, tokenizer, tmp_path):
    batches = CaptionBatches(encode_captions(tokenizer, part, tmp_path, 4), 2, 20, seed=1)
    assert batches.steps_per_epoch == 3
    orders = []
    for epoch in range(3):
        steps = [batches.batch(3 * epoch + step) for step in range(3)]
        assert [len(batch.images_BSS3) for batch in steps] == [2, 2, 1]
        orders.append([int(image[0, 0, 0]) for batch in steps for image in batch.images_BSS3])
        assert sorted(orders[-1]) == [0, 1, 2, 3, 4]
    assert len(set(map(tuple, orders))) > 1
    later = batches.batches_from(4)
    np.testing.assert_array_equal(next(later).inputs_RT, batches.batch(4).inputs_RT)
    np.testing.assert_array_equal(next(later).inputs_RT, batches.batch(5).inputs_RT)


def test_long_captions_are_cut_and_end_all_the_same(part, tokenizer, tmp_path):
    captioned = encode_captions(tokenizer, part, tmp_path, 4)
    assert texts_of(tokenizer, captioned.batch([4], most=3)) == [(4, "abc")]


def test_broken_images_are_left_out_counted_and_announced(part, tokenizer, tmp_path, caplog):
    (tmp_path / "1.png").write_text("broken")
    (tmp_path / "3.png").write_text("broken")
    with caplog.at_level(logging.WARNING, logger="inkloom"):
        captioned = encode_captions(tokenizer, part, tmp_path, 4)
    assert list(captioned.paths) == ["0.png", "2.png", "4.png"]
    assert [row[0] for row in texts_of(tokenizer, captioned.batch([1]))] == [2, 2, 2]
    (said,) = caplog.messages
    assert said.startswith("train: 2 of 5 images (1.png, 3.png) are broken, the first since it is no image")


def test_without_a_single_good_image_there_is_nothing_to_train_on(part, tokenizer, tmp_path):
    for number in range(len(TEXTS)):
        (tmp_path / f"{number}.png").write_text("broken")
    with pytest.raises(InputError, match="no image is left"):
        encode_captions(tokenizer, part, tmp_path, 4)
