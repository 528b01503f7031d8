"""The tree of versions: known answers, and that nothing is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.serving.studio.branches import Branches


def test_a_branch_keeps_the_beginning_and_takes_another_token():
    branches = Branches()
    branches.plant((1, 2, 3))
    version = branches.branch(1, 9)
    assert (version.ids, version.parent, version.kept) == ((1, 9), 1, 1)
    assert branches.current is version


def test_a_branch_without_a_token_ends_where_it_leaves():
    branches = Branches()
    branches.plant((1, 2, 3))
    assert branches.branch(2, None).ids == (1, 2)


def test_there_is_a_way_back():
    branches = Branches()
    branches.plant((1, 2, 3))
    branches.branch(1, 9)
    branches.grow(2, 7)
    branches.look_at(1)
    assert branches.current.ids == (1, 2, 3)
    branches.look_at(2)
    assert branches.current.ids == (1, 9, 7)


def test_the_tree_lists_each_version_below_the_one_that_it_left():
    branches = Branches()
    branches.plant((1, 2, 3))
    branches.branch(1, 9)  # 2, off 1
    branches.branch(2, 8)  # 3, off 2
    branches.look_at(1)
    branches.branch(2, 7)  # 4, off 1
    branches.plant((5,))  # 5
    assert [(placed.version.number, placed.depth) for placed in branches.tree()] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 1),
        (5, 0),
    ]


def test_nothing_is_looked_at_before_there_is_something():
    branches = Branches()
    assert branches.current is None
    assert list(branches.tree()) == []
    with pytest.raises(AssertionError):
        branches.look_at(1)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=12))
def test_every_version_stays_as_it_was_and_stands_in_the_tree_once(moves):
    branches = Branches()
    branches.plant((1, 2, 3))
    texts = [(1, 2, 3)]
    for number, token in moves:
        branches.look_at(number % len(texts) + 1)
        kept = number % (len(branches.current.ids) + 1)
        texts.append(branches.branch(kept, token).ids)
    assert [version.ids for version in branches.versions] == texts
    assert sorted(placed.version.number for placed in branches.tree()) == list(range(1, len(texts) + 1))
