"""TEXT: the one decode loop, and the filters that shape what it draws."""

from inkloom.generation.samples import Sample, generate, stream
from inkloom.generation.settings import GenerationConfig
from inkloom.generation.tables import FILTERS, PENALTIES

__all__ = ["FILTERS", "PENALTIES", "GenerationConfig", "Sample", "generate", "stream"]
