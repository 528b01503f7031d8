"""Names by language: a classifier beside naive Bayes, and whether names that are written for a language are of it.

Trains the recipes names-classifier and names-generator on the same seeded split, or takes runs that are there. The
generator writes as many names for each language that has enough of them, and the classifier says which language each
looks like; the generator never sees the classifier. What the classifier says of the real names of test, language by
language, is the yardstick.

Run: python benchmarks/names.py FOLDER [--out DIR] [--samples 200] [--temperature 0.7]
     FOLDER has a file for each language, with a name on each line.
"""

import argparse
from collections import Counter
from pathlib import Path

import inkloom
from inkloom.runs.classifier import ClassifierRun
from inkloom.runs.run import Run

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--out", type=Path, default=Path("runs") / "names")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.7)
    arguments = parser.parse_args()
    classifier = opened(arguments.folder, "names_classifier", arguments.out / "classifier")
    assert isinstance(classifier, ClassifierRun)
    print_classifier(classifier)
    generator = opened(arguments.folder, "names_generator", arguments.out / "generator")
    print_generator(generator, classifier, arguments.samples, arguments.temperature)


if __name__ == "__main__":
    main()
