"""Small texts in the place of published ones."""

import dataclasses
import hashlib
from types import ModuleType

import pytest

from inkloom.corpus.named.base import Remote
from inkloom.corpus.named.published import PlainFile


def remote_of(data: bytes, name: str, *urls: str) -> Remote:
    """A published file of these bytes."""
    return Remote(name, urls, len(data), hashlib.sha256(data).hexdigest())


def publish(monkeypatch: pytest.MonkeyPatch, module: ModuleType, data: bytes, *urls: str) -> None:
    """Let the text file that a module of `inkloom.corpus.named` stands for be `data`, at `urls`."""
    file = PlainFile(remote_of(data, module.FILE.remote.name, *urls), module.FILE.documents)
    corpus = dataclasses.replace(module.CORPUS, find=file.find, files=file.files, remote=file.remote)
    monkeypatch.setattr(module, "CORPUS", corpus)
