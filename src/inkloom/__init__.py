"""inkloom trains, compares, samples from, explains and serves small text generators.

The Python API is five names: `load_corpus`, `train`, `load_run`, `compare` and `Run` with its methods `generate` and
`evaluate`. They load when first used, so that `import inkloom` stays instant.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkloom.api import Run, compare, load_corpus, load_run, train

__version__ = "0.1.0"
__all__ = ["Run", "compare", "load_corpus", "load_run", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from inkloom import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
