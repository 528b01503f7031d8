"""What one open page knows. Nothing of it is shared: two tabs are two sessions."""

from dataclasses import dataclass, field
from typing import Any

from inkloom.config import build
from inkloom.generation import GenerationConfig
from inkloom.serving.studio.branches import Branches
from inkloom.serving.studio.workspace import Workspace

START = {"max_tokens": 300, "temperature": 0.8}
"""Where the controls stand at first: long enough to read, and a little more careful than the model itself."""


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
        """The settings, checked. InputError where one is out of its range."""
        return build(GenerationConfig, {**self.settings, **changes}, "sampling")

    def read(self, run: str, ids: tuple[int, ...]) -> None:
        """Look at a new text through a run."""
        if run != self.run:
            self.branches = Branches()
        self.run = run
        self.branches.plant(ids)
        self.place = None
