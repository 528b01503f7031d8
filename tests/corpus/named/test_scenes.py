"""The drawn scenes: what captions say is what was drawn, and no split shows what is held out for another."""

from itertools import combinations

import numpy as np
import pytest

from inkloom.cli.main import run as inkloom
from inkloom.corpus import load_corpus
from inkloom.corpus.named import scenes
from inkloom.corpus.named.scenes import COLOURS, COUNTS, HELD_OUT, RELATIONS, SEEN, SHAPES, SIDE, SIZES


def kinds(caption):
    """The things that a caption names."""
    words = caption.split()
    return [tuple(words[place + 1 : place + 4]) for place, word in enumerate(words) if word == "a"]


@pytest.fixture(scope="module")
def drawn():
    return {split: list(scenes.scenes(split, 150)) for split in COUNTS}


def test_every_combination_belongs_to_one_split():
    held_out = [kind for of_split in HELD_OUT.values() for kind in of_split]
    assert len(set(held_out)) == len(held_out) == 15
    assert set(SEEN) | set(held_out) == {(a, b, c) for a in SIZES for b in COLOURS for c in SHAPES}
    assert not set(SEEN) & set(held_out)


def test_train_shows_two_of_the_three_words_of_everything_that_is_held_out():
    for kind in (kind for of_split in HELD_OUT.values() for kind in of_split):
        for first, second in combinations(range(3), 2):
            assert any(seen[first] == kind[first] and seen[second] == kind[second] for seen in SEEN)


def test_no_split_shows_what_is_held_out_for_another(drawn):
    for split, of_split in drawn.items():
        named = [kinds(scene.captions[0]) for scene in of_split]
        allowed = {*SEEN, *HELD_OUT.get(split, ())}
        assert {kind for things in named for kind in things} <= allowed
        if split in HELD_OUT:
            assert all(set(things) & set(HELD_OUT[split]) for things in named)


def test_both_captions_of_a_pair_say_the_same(drawn):
    for scene in drawn["train"]:
        if len(scene.captions) == 1:
            assert len(kinds(scene.captions[0])) == 1
            continue
        one, other = scene.captions
        assert kinds(one) == kinds(other)[::-1]
        assert len(set(kinds(one))) == 2
        (relation,) = (name for name in RELATIONS if f" {name} " in one)
        assert f" {scenes.OPPOSITE[relation]} " in other


def test_things_lie_as_their_caption_says_and_do_not_touch():
    for _, things, captions in scenes._plans("test", 150):
        if len(things) == 2:
            first, second = things
            (relation,) = (name for name in RELATIONS if f" {name} " in captions[0])
            along = np.array([first.x - second.x, first.y - second.y]) @ RELATIONS[relation]
            across = abs(np.array([first.x - second.x, first.y - second.y]) @ RELATIONS[relation][::-1])
            assert along >= first.radius + second.radius + scenes.CLEARANCE
            assert across <= scenes.SLANT * along
        assert all(thing.radius < place < SIDE - thing.radius for thing in things for place in (thing.x, thing.y))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_solid_within_its_outline_and_fades_over_a_pixel(shape):
    thing = scenes.Thing("large", "red", shape, 9.0, SIDE / 2, SIDE / 2)
    pixels = scenes._paint(np.random.default_rng(0), [thing]).astype(int)
    background, inside = pixels[0, 0], pixels[SIDE // 2, SIDE // 2]
    assert abs(inside - COLOURS["red"]).max() <= scenes.COLOUR_JITTER + 1
    channel = pixels[:, :, 1]  # grey is far from red in green
    assert channel.min() == inside[1]
    assert channel.max() == background[1]
    between = (channel > inside[1] + 2) & (channel < background[1] - 2)
    solid = channel <= inside[1] + 2
    assert solid.sum() > 60
    assert 0 < between.sum() < solid.sum()
    far = np.hypot(*(np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2)) > 9.0 * 1.15 + 1
    assert (channel[far] == background[1]).all()


def test_shapes_and_sizes_differ():
    def area(shape, radius):
        thing = scenes.Thing("", "blue", shape, radius, SIDE / 2, SIDE / 2)
        pixels = scenes._paint(np.random.default_rng(0), [thing])
        return (pixels != pixels[0, 0]).any(axis=2).sum()

    areas = {shape: area(shape, 8.0) for shape in SHAPES}
    assert areas["square"] > areas["cross"] > areas["star"]
    for shape in SHAPES:
        small, large = (area(shape, sum(SIZES[size]) / 2) for size in ("small", "large"))
        assert small < 0.5 * large


def test_a_scene_depends_on_its_number_alone():
    few, more = list(scenes.scenes("val", 3)), list(scenes.scenes("val", 5))
    for one, other in zip(few, more, strict=False):
        assert one.captions == other.captions
        np.testing.assert_array_equal(one.pixels_SS3, other.pixels_SS3)


def test_the_corpus_has_the_characters_that_it_says():
    texts = scenes.captions(None)
    assert len(texts) == scenes.CORPUS.documents == sum(COUNTS.values())
    assert sum(map(len, texts)) == scenes.CORPUS.characters == scenes.CORPUS.bytes


def test_scenes_are_drawn_once_and_again_where_one_is_gone(monkeypatch):
    monkeypatch.setattr(scenes, "COUNTS", {"train": 3, "val": 1, "test": 1})
    folder = scenes.pictures()
    assert scenes.find(None) == folder
    image = folder / "train" / "Images" / "00000.png"
    written = image.stat().st_mtime_ns
    assert scenes.pictures() == folder
    assert image.stat().st_mtime_ns == written
    image.unlink()
    scenes.pictures()
    assert image.exists()
    lines = (folder / "train" / "captions.txt").read_text().splitlines()
    assert lines[0] == "image,caption"
    assert {line.split(",")[0] for line in lines[1:]} == {"00000.png", "00001.png", "00002.png"}


def test_fetching_draws_the_pictures_and_naming_them_reads_them(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(scenes, "COUNTS", {"train": 3, "val": 1, "test": 2})
    assert inkloom(["corpora", "fetch", "scenes"]) == 0
    assert str(tmp_path / "corpora" / "scenes-1") in capsys.readouterr().out
    corpus = load_corpus("Scenes", reader="captions")
    assert corpus.config.sources == ("scenes",)
    assert {name: len(part.texts) for name, part in corpus.own_splits.items()} == {"train": 3, "val": 1, "test": 2}
    assert corpus.own_splits["test"].conditions == ("test/Images/00000.png", "test/Images/00001.png")
    assert tuple(text for part in corpus.own_splits.values() for text in part.texts) == scenes.captions(None)
