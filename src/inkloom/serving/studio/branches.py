"""The versions of a text that were tried: each branches off another one at a token, and none is lost."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Version:
    """A text, as token ids."""

    number: int
    """From 1 on, in the order in which they were made."""

    ids: tuple[int, ...]
    parent: int | None = None
    """The number of the version that it branched off; None for the first one of a text."""

    kept: int = 0
    """How many tokens it has in common with its parent, at the beginning."""


class Placed(NamedTuple):
    """A version, and how deep it stands in the tree."""

    version: Version
    depth: int


@dataclass
class Branches:
    """A tree of versions, of which one is looked at."""

    versions: list[Version] = field(default_factory=list)
    shown: int = 0
    """The number of the version that is looked at; 0 where there is none."""

    @property
    def current(self) -> Version | None:
        return self.versions[self.shown - 1] if self.shown else None

    def plant(self, ids: tuple[int, ...]) -> Version:
        """A new text, which has nothing to do with those before; it is looked at."""
        return self._add(Version(len(self.versions) + 1, ids))

    def branch(self, kept: int, token: int | None) -> Version:
        """Leave the version that is looked at after `kept` tokens, with another token where one is given."""
        parent = self.current
        assert parent is not None, "a branch has something to leave"
        ids = parent.ids[:kept] if token is None else (*parent.ids[:kept], token)
        return self._add(Version(len(self.versions) + 1, ids, parent.number, kept))

    def grow(self, number: int, token: int) -> None:
        """A version has got one more token."""
        version = self.versions[number - 1]
        version.ids = (*version.ids, token)

    def look_at(self, number: int) -> None:
        """Go to a version."""
        assert 1 <= number <= len(self.versions), "versions are numbered from 1 on"
        self.shown = number

    def tree(self) -> Iterator[Placed]:
        """All versions, each behind the one that it branched off and one deeper."""
        for version in self.versions:
            if version.parent is None:
                yield from self._below(version, 0)

    def _below(self, version: Version, depth: int) -> Iterator[Placed]:
        yield Placed(version, depth)
        for other in self.versions:
            if other.parent == version.number:
                yield from self._below(other, depth + 1)

    def _add(self, version: Version) -> Version:
        self.versions.append(version)
        self.shown = version.number
        return version
