"""What one open page knows. Nothing of it is shared: two tabs are two sessions."""

from dataclasses import dataclass, field
from typing import Any

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.generation import GenerationConfig
from inkloom.serving.engine import Engine
from inkloom.serving.studio.branches import Branches
from inkloom.serving.studio.workspace import Workspace

START = {"max_tokens": 300, "temperature": 0.8}
"""Where the controls stand at first: long enough to read, and a little more careful than the model itself."""

MOST_SAMPLES = 8
"""Of one model at a time."""


@dataclass
class Session:
    """A page's state, kept while its visitor goes from view to view."""

    workspace: Workspace
    prompt: str = ""
    writers: list[str] = field(default_factory=list)
    """The runs that write in the playground."""

    settings: dict[str, Any] = field(default_factory=lambda: GenerationConfig(**START).model_dump())
    """Fields of GenerationConfig, as the controls have them."""

    suggests: bool = True
    """Whether the prompt is completed while it is typed."""

    run: str = ""
    """The run that is looked into."""

    branches: Branches = field(default_factory=Branches)
    """The versions of the text that it reads."""

    place: int | None = None
    """The token that is looked at."""

    view: str = ""
    """The name of the inside view that is open."""

    watched: str = ""
    """The run whose training is watched."""

    def generation_config(self, **changes: Any) -> GenerationConfig:
        """The settings, checked. InputError where one is out of its range, or beyond what the server writes."""
        config = build(GenerationConfig, {**self.settings, **changes}, "sampling")
        most = self.workspace.engines.settings.max_tokens
        if config.max_tokens > most or config.num_samples > MOST_SAMPLES:
            raise InputError(f"This server writes up to {MOST_SAMPLES} texts of up to {most:,} tokens at a time.")
        return config

    def prompt_ids(self, engine: Engine) -> list[int]:
        """The beginning as a model reads it. InputError where it cannot, or where it is too long for the server."""
        prompt = engine.encode_prompt(self.prompt)
        most = self.workspace.engines.settings.max_prompt_tokens
        if len(prompt) > most:
            raise InputError(f"The beginning has {len(prompt):,} tokens; this server reads up to {most:,}.")
        return prompt

    def read(self, run: str, ids: tuple[int, ...]) -> None:
        """Look at a new text through a run."""
        if run != self.run:
            self.branches = Branches()
        self.run = run
        self.branches.plant(ids)
        self.place = None
