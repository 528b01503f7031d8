"""One page's state: what it may ask of the server, and how its controls speak."""

import pytest

from inkloom.errors import InputError
from inkloom.serving.engine import Engines
from inkloom.serving.settings import ServerSettings
from inkloom.serving.studio.session import MOST_SAMPLES, Session
from inkloom.serving.studio.workspace import Workspace


@pytest.fixture
def session(served_run):
    workspace = Workspace(Engines([served_run], ServerSettings(max_tokens=100, max_prompt_tokens=20)))
    yield Session(workspace)
    workspace.engines.close()


def test_settings_are_those_of_generation_and_have_the_servers_limits(session):
    session.settings["max_tokens"] = 100
    assert session.generation_config(temperature=0.5).temperature == 0.5
    for changes in ({"max_tokens": 101}, {"num_samples": MOST_SAMPLES + 1}, {"temperature": -1}):
        with pytest.raises(InputError):
            session.generation_config(**changes)


def test_a_beginning_is_as_long_as_the_server_reads(session):
    engine = next(iter(session.workspace.engines.values()))
    session.prompt = "The same again. "
    assert session.prompt_ids(engine) == engine.encode_prompt("The same again. ")
    session.prompt *= 2
    with pytest.raises(InputError, match="32 tokens"):
        session.prompt_ids(engine)


def test_another_run_begins_with_a_tree_of_its_own(session):
    session.read("one", (1, 2))
    session.read("one", (3,))
    assert len(session.branches.versions) == 2
    session.place = 0
    session.read("other", (4,))
    assert [version.ids for version in session.branches.versions] == [(4,)]
    assert session.place is None


@pytest.mark.parametrize(
    ("name", "chosen", "value"),
    [
        ("stop", "", ()),
        ("stop", "\\n\\n", ("\n\n",)),
        ("stop", "END", ("END",)),
        ("seed", None, None),
        ("max_tokens", None, 200),
        ("temperature", 0.3, 0.3),
    ],
)
def test_what_a_control_says_is_a_setting_and_back(name, chosen, value):
    pytest.importorskip("nicegui", reason="NiceGUI is not installed; `pip install 'inkloom[studio]'`")
    from inkloom.serving.studio.controls import parsed, shown

    assert parsed(name, chosen) == value
    assert shown(name, value) == (200 if chosen is None and name == "max_tokens" else chosen)
