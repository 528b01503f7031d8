import pytest

from inkloom.errors import InputError
from inkloom.registry import Registry

TABLE: Registry = Registry("thing", {"ordered_dict": "collections:OrderedDict", "counter": "collections:Counter"})


@pytest.mark.parametrize("name", ["ordered_dict", "ordered-dict", "Ordered-Dict", " ordered_dict ", "ordereddict"])
def test_dashes_and_case_do_not_matter(name):
    assert name in TABLE
    assert TABLE.canonical(name) == "ordered_dict"
    assert TABLE.load(name).__name__ == "OrderedDict"


def test_an_unknown_name_lists_the_known_and_the_nearest():
    with pytest.raises(InputError, match=r"'countr' is no thing\. Did you mean counter\? Known: counter, ord"):
        TABLE.load("countr")
    with pytest.raises(InputError) as caught:
        TABLE.canonical("zzz")
    assert "Did you mean" not in str(caught.value)


def test_names_are_listed():
    assert list(TABLE) == ["ordered_dict", "counter"]
