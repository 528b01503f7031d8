"""The files of a run and the settings that rebuild it. Light: config.json is written before PyTorch loads."""

import contextlib
import importlib.metadata
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from inkloom.config import Config
from inkloom.corpus.base import CorpusConfig
from inkloom.errors import InkloomError, InputError
from inkloom.files import write_json

FORMAT = 1
"""Of the run directory. A program refuses runs of a format it does not know."""

RUNS = Path("runs")
"""Where runs go and are looked for by name, below the working directory."""


class SplitConfig(Config):
    """How a corpus without its own splits is cut."""

    shares: str = "90,5,5"
    """Train, val and test in percent; two figures are train and val; random-windows leaks on purpose."""

    seed: int = 0
    """Of the draw, where whole documents or random windows are split."""

    held_back: float = pydantic.Field(0.0, ge=0, lt=50)
    """Per cent of train, from all over it, that are not trained on but kept for what is fitted after it: the weights of
    a mixture."""


class RunConfig(Config):
    """All that rebuilds a run. Fields left out have their defaults; a training run writes them in full."""

    format: int = FORMAT
    name: str
    created: str = ""
    versions: dict[str, str] = pydantic.Field(default_factory=lambda: versions())
    corpus: CorpusConfig
    corpus_sha256: str = ""
    documents: int = 0
    """How many documents the text is made of, each closed by an end token; 0 for one running text."""

    split: SplitConfig = SplitConfig()
    tokenizer: dict[str, Any]
    """`name`, and the tokenizer's own fields."""

    tokenizer_source: dict[str, Any] | None = None
    """The same of the sources, where texts are pairs whose sides have a vocabulary each."""

    model: dict[str, Any]
    """`name`, and the family's own fields."""

    training: dict[str, Any]
    """Fields of `TrainingConfig`."""

    recipe: str | None = None
    init: str | None = None
    """The run whose weights this one starts from."""

    of: tuple[str, ...] = ()
    """The runs that a mixture is made of."""


def versions() -> dict[str, str]:
    """What a number may depend on."""
    packages = ("inkloom", "torch", "pytorch-lightning", "numpy", "tokenizers")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


@dataclass(frozen=True)
class RunDirectory:
    """The paths of a run, and its config."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    @property
    def tokenizer_file(self) -> Path:
        return self.path / "tokenizer.json"

    @property
    def source_tokenizer_file(self) -> Path:
        """Of a run on pairs whose sides have a vocabulary each."""
        return self.path / "tokenizer_source.json"

    @property
    def weights_file(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def evaluation_file(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def samples_file(self) -> Path:
        return self.path / "samples.txt"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def measured_file(self) -> Path:
        """What was measured about the machine when training began; a resumed run reuses it."""
        return self.checkpoints / "measured.json"

    @property
    def report_file(self) -> Path:
        return self.path / "report.html"

    @property
    def finished(self) -> bool:
        """Whether the training came to its end and was scored."""
        return self.evaluation_file.exists()

    def write_config(self, config: RunConfig) -> None:
        write_json(self.config_file, config.model_dump(mode="json"))

    def read_config(self) -> RunConfig:
        """The run's settings; InputError where the folder holds no run, or one of a newer program, or a damaged one."""
        data = self.read_json(self.config_file)
        made_by = data.get("format")
        if isinstance(made_by, int) and made_by > FORMAT:
            raise InputError(
                f"{self.path} was made by a newer inkloom (run format {made_by}; this one reads {FORMAT}). "
                "Update inkloom."
            )
        try:
            return RunConfig.model_validate(data)
        except pydantic.ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(map(str, problem["loc"])) or "the whole"
            raise InputError(
                f"{self.config_file} is damaged at {place}: {problem['msg'].lower()}. Restore the file or train again."
            ) from error

    def read_evaluation(self) -> dict[str, Any]:
        """The scores of a finished run; InputError where the file is missing or damaged."""
        evaluation = self.read_json(self.evaluation_file)
        if missing := [name for name in ("model", "train", "val") if name not in evaluation]:
            raise InputError(
                f"{self.evaluation_file} is damaged: it lacks {', '.join(missing)}. Delete it, and "
                f"`inkloom train --resume {self.path}` scores the run again."
            )
        return evaluation

    def read_json(self, file: Path) -> dict[str, Any]:
        """A JSON object of this run; InputError where it is missing or damaged."""
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"{self.path} lacks {file.name}. Give a folder that `inkloom train` made.") from error
        except (OSError, ValueError) as error:
            raise InputError(f"{file} cannot be read as JSON ({error}). Restore the file or train again.") from error
        if not isinstance(data, dict):
            raise InputError(f"{file} holds no JSON object. Restore the file or train again.")
        return data


def check_out(out: Path, *, overwrite: bool) -> RunDirectory:
    """Check that a run may be written to `out`, before any work. Changes nothing."""
    run = RunDirectory(out)
    if run.config_file.exists():
        if not overwrite:
            raise InputError(
                f"{out} already holds a run. Give another --out, --overwrite to replace it, "
                f"or `--resume {out}` to go on."
            )
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} is a folder with other files in it. Give --out a new or empty folder.")
    elif out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file. Give --out a new or empty folder.")
    first_existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=first_existing):
            pass
    except OSError as error:
        raise InputError(
            f"Cannot write into {first_existing}: {error.strerror}. Give --out a folder that you may write to."
        ) from error
    return run


@contextlib.contextmanager
def beginning(run: RunDirectory, config: RunConfig) -> Iterator[None]:
    """Begin a run with its config.json; a run that it replaces is deleted when the block ends well, else put back."""
    aside = run.path.parent / f".{run.path.name}.replaced"
    if run.path.exists():
        run.path.rename(aside)
    try:
        run.write_config(config)
        yield
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        if aside.exists():
            aside.rename(run.path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def remove(run: RunDirectory) -> None:
    """Delete a run, its config first, so that an interrupted removal leaves no folder that looks like a run."""
    try:
        run.config_file.unlink(missing_ok=True)
        shutil.rmtree(run.path)
    except OSError as error:
        raise InkloomError(f"Cannot remove {run.path}: {error.strerror}.") from error


def default_out(name: str) -> Path:
    """`runs/NAME`, or `runs/NAME-2`, … where that is taken."""
    out, number = RUNS / name, 1
    while out.exists():
        number += 1
        out = RUNS / f"{name}-{number}"
    return out


def find_run(name: str) -> RunDirectory:
    """The run of a path, or of a name below `runs/`; InputError lists the runs there are."""
    for path in (Path(name), RUNS / name):
        if RunDirectory(path).config_file.exists():
            return RunDirectory(path)
    if Path(name).is_dir():
        raise InputError(f"{name} holds no run (no config.json). Give a folder that `inkloom train` made.")
    known = ", ".join(run.path.name for run in list_runs()) or "none yet; `inkloom train CORPUS` makes one"
    raise InputError(f"No run {name!r}: neither a folder nor a name in {RUNS}/. Runs there: {known}.")


def list_runs(folder: Path = RUNS) -> list[RunDirectory]:
    """All runs in a folder, by name."""
    if not folder.is_dir():
        return []
    return [run for path in sorted(folder.iterdir()) if (run := RunDirectory(path)).config_file.exists()]
