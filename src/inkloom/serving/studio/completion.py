"""How a model would go on with what somebody is typing: a few words."""

from inkloom.errors import InkloomError
from inkloom.generation import GenerationConfig
from inkloom.generation.samples import sample_requests
from inkloom.serving.engine import Engine

CONFIG = GenerationConfig(max_tokens=24, temperature=0.4, seed=0, stop=("\n",))
"""Careful, and the same each time, so that a suggestion does not flicker."""


async def complete(engine: Engine, text: str) -> str:
    """A few words that may follow, whole ones where the last would be cut; empty where the model cannot read the text.

    Work for a text that is no longer wanted stops when the task is cancelled.
    """
    try:
        (generation,) = engine.submit(sample_requests([engine.encode_prompt(text)], CONFIG))
    except InkloomError:
        return ""
    try:
        written = [token async for tokens in generation for token in tokens]
    finally:
        generation.cancel()
    words = "".join(token.text for token in written)
    cut = written[-1].finish_reason == "length" and " " in words.strip()
    return words[: words.rstrip().rindex(" ")] if cut else words
