"""Training without gradients: one call of the family's fitter, which an interrupted run makes again."""

from inkloom.errors import InterruptedByUserError
from inkloom.files import GrowingFile
from inkloom.runs.run import Run, build_model
from inkloom.runs.weights import save_weights
from inkloom.training.callbacks.metrics import HEADER, metrics_row
from inkloom.training.callbacks.samples import sample_text, sample_title
from inkloom.training.fitters import fitter_of
from inkloom.training.job import Job
from inkloom.training.trained import Trained


def train_in_one_go(job: Job) -> Trained:
    """Fit the family; every model that the fitter tries is a step and a row of metrics.csv.

    Raises InterruptedByUserError after Ctrl-C.
    """
    run, settings = job.run, job.settings
    metrics, samples = GrowingFile(run.metrics_file), GrowingFile(run.samples_file)
    metrics.cut_back()
    samples.cut_back()
    metrics.append(HEADER)
    tried: list[str] = []

    def report(name: str, val_loss: float) -> None:
        tried.append(name)
        metrics.append(metrics_row(len(tried), job.clock.seconds, job.encoded["train"].tokens, val_loss=val_loss))
        job.console.print(f"{name}  val {val_loss:.4f}  after {job.clock.seconds:.1f} s")

    fitter = fitter_of(job.config.model["name"])
    try:
        fitted = fitter(build_model(job.config, job.tokenizer), job, report)
    except (KeyboardInterrupt, InterruptedByUserError) as stop:
        raise InterruptedByUserError(f"Stopped. Go on with: inkloom train --resume {run.path}") from stop
    model = {"name": job.config.model["name"], **fitted.model.config.model_dump(mode="json")}
    run.write_config(job.config.replace(model=model))
    save_weights(fitted.model, run.weights_file)
    seconds = job.clock.seconds
    prompt = Run(run).default_prompt
    for number in range(1, settings.samples + 1):
        text = sample_text(fitted.model, job.tokenizer, prompt, settings.seed + number)
        samples.append(sample_title(len(tried), fitted.val_loss) + text)
    return Trained(fitted.model, len(tried), fitted.tokens_seen, seconds)
