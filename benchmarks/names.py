"""Names by language: a classifier beside naive Bayes, and whether names that are written for a language are of it.

Trains the recipes names-classifier and names-generator on the same seeded split, or takes runs that are there. The
generator writes as many names for each language that has enough of them, and the classifier says which language each
looks like; the generator never sees the classifier. What the classifier says of the real names of test, language by
language, is the yardstick.

Run: python benchmarks/names.py FOLDER [--out DIR] [--samples 200] [--temperature 0.5]
     FOLDER has a file for each language, with a name on each line.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import inkloom
from inkloom.data.labelled import padded
from inkloom.runs.classifier import ClassifierRun
from inkloom.runs.run import Run
from inkloom.tokenizers import ControlledTokenizer

FEWEST_NAMES = 200
"""A language with fewer names is not asked for: a handful is in test."""


def opened(folder: str, recipe: str, out: Path) -> Run:
    """The run of a recipe, trained where it is not there yet."""
    if (out / "evaluation.json").exists():
        return inkloom.load_run(out)
    return inkloom.train(folder, recipe=recipe, out=out)


def print_classifier(run: ClassifierRun) -> None:
    """Its scores beside those of naive Bayes, with and without the names that train has, too."""
    summary = run.summary()
    leaks = summary["leaks"]["test"]
    print(f"Classifier: {summary['parameters']:,} parameters, {summary['seconds']:.0f} s of training")
    print("| test | accuracy | macro F1 | nats per name | calibration error | accuracy on names that train lacks |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows = {
        "inkloom": (summary["test"], leaks["without_leaks"]),
        "naive Bayes": (summary["baselines"]["naive_bayes"], leaks["baselines"]["naive_bayes"]),
        "commonest class": (summary["baselines"]["commonest_class"], leaks["baselines"]["commonest_class"]),
    }
    for name, (scores, new) in rows.items():
        print(
            f"| {name} | {scores['accuracy']:.2%} | {scores['macro_f1']:.4f} | {scores['nats_per_text']:.4f} | "
            f"{scores['calibration_error']:.2%} | {new['accuracy']:.2%} |"
        )
    print(
        f"{leaks['texts_in_train']:,} of {summary['test']['texts']:,} names ({leaks['share']:.1%}) stand in train. "
        f"The temperature is {summary['temperature']:.2f}; without it the calibration error is "
        f"{summary['uncalibrated_error']:.2%}.\n"
    )


def print_generator(generator: Run, classifier: ClassifierRun, samples: int, temperature: float) -> None:
    """Which share of the names that are written for a language the classifier takes for it."""
    parts = generator.parts()
    names = Counter(label for part in parts.values() for label in part.conditions or ())
    known = set(parts["train"].texts)
    asked = sorted((label for label in names if names[label] >= FEWEST_NAMES), key=lambda label: -names[label])
    recall = {of_class["label"]: of_class["recall"] for of_class in classifier.summary()["classes"]}
    print(f"Generator: {generator.summary()['test']['bits_per_char']:.4f} bits per character of test")
    print("| language | names | real names of test | written names | of these in train | for example |")
    print("| --- | --- | --- | --- | --- | --- |")
    right = {}
    copied = 0
    for label in asked:
        written = generator.generate(control=label, num_samples=samples, seed=1, temperature=temperature, max_tokens=40)
        texts = [sample.text.strip() or "?" for sample in written]
        right[label] = sum(found.label == label for found in classifier.classify(texts))
        in_train = sum(text in known for text in texts)
        copied += in_train
        print(
            f"| {label} | {names[label]:,} | {recall[label]:.0%} | {right[label] / samples:.0%} | "
            f"{in_train / samples:.0%} | {', '.join(texts[:4])} |"
        )
    share = sum(right.values()) / (samples * len(asked))
    weighted = sum(right[label] / samples * names[label] for label in asked) / sum(names[label] for label in asked)
    print(
        f"{share:.1%} of {samples * len(asked):,} names land in the language that was asked for, the same number for "
        f"each (in proportion to the data, {weighted:.1%}); {copied / (samples * len(asked)):.0%} stand in train."
    )


@torch.inference_mode()
def log_joint(generator: Run, names: Sequence[str]) -> torch.Tensor:
    """ln p(language, name) by the generator, (names, languages): its own share of each language, then the letters."""
    tokenizer = generator.tokenizer
    assert isinstance(tokenizer, ControlledTokenizer)
    end = [tokenizer.end_id]
    bodies = [[*tokenizer.encode(name).ids.tolist(), *end] for name in names]
    rows = [np.array([*end, tokenizer.control_id(value), *body]) for body in bodies for value in tokenizer.values]
    tokens_BT, lengths_B = padded(rows)
    logits_BTV, _ = generator.model(tokens_BT[:, :-1], generator.model.initial_state(len(rows)))
    log_probs_BT = logits_BTV.log_softmax(-1).gather(-1, tokens_BT[:, 1:, None])[..., 0]
    within_BT = torch.arange(log_probs_BT.shape[1]) < lengths_B[:, None] - 1
    return (log_probs_BT * within_BT).sum(dim=1).view(len(names), len(tokenizer.values))


def print_bayes(generator: Run) -> None:
    """How often the generator itself would name the right language, by Bayes' rule, and how long that takes."""
    test = generator.parts()["test"]
    assert isinstance(generator.tokenizer, ControlledTokenizer)
    values = generator.tokenizer.values
    started = time.perf_counter()
    pieces = [log_joint(generator, test.texts[start : start + 100]) for start in range(0, len(test.texts), 100)]
    guesses = torch.cat(pieces).argmax(dim=1).tolist()
    right = sum(values[guess] == label for guess, label in zip(guesses, test.conditions or (), strict=True))
    print(
        f"\nThe generator as a classifier, by p(language) p(name | language): {right / len(test.texts):.2%} of test "
        f"right, {1000 * (time.perf_counter() - started) / len(test.texts):.1f} ms a name."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--out", type=Path, default=Path("runs") / "names")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.5)
    arguments = parser.parse_args()
    classifier = opened(arguments.folder, "names_classifier", arguments.out / "classifier")
    assert isinstance(classifier, ClassifierRun)
    print_classifier(classifier)
    generator = opened(arguments.folder, "names_generator", arguments.out / "generator")
    print_generator(generator, classifier, arguments.samples, arguments.temperature)
    print_bayes(generator)


if __name__ == "__main__":
    main()
