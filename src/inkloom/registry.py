"""Literal tables of components: a name a user types, and where its class stands. Loaded when first asked for."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from inkloom.errors import unknown_name

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Registry(Generic[Loaded]):
    """The components of one kind: `entries` maps a name to `"module:attribute"`.

    `-`, `_` and neither are the same in every name, and case does not matter: wikitext2 is WikiText-2. An unknown name
    raises InputError, which lists the known ones and the nearest.
    """

    kind: str
    entries: Mapping[str, str]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: str) -> bool:
        return self._entry(name) is not None

    def canonical(self, name: str) -> str:
        """The name as the table spells it; InputError where it is not in the table."""
        entry = self._entry(name)
        if entry is None:
            raise unknown_name(self.kind, name, self.entries)
        return entry

    def load(self, name: str) -> Loaded:
        """The component itself; imports its module the first time."""
        module, _, attribute = self.entries[self.canonical(name)].partition(":")
        component: Any = getattr(importlib.import_module(module), attribute)
        return component  # type: ignore[no-any-return]

    def _entry(self, name: str) -> str | None:
        joined = _joined(name)
        return next((entry for entry in self.entries if _joined(entry) == joined), None)


def _joined(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")
