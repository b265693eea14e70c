"""Train, measure and export the feed ranker: ``python -m demo_h5.models.train_ranker``.

Writes ``ranker.onnx``, ``ranker.metrics.json``, ``ranker.golden.json``, ``ranker.items.json`` and
``catalogue.json`` beside this file. About two minutes on one core.
"""

import argparse
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demo_h5.models import completejourney
from demo_h5.models.din import Inputs, Parameters
from demo_h5.models.evaluate import (
    Sampler,
    baselines,
    candidate_lists,
    compare,
    ranking_metrics,
    score_all,
)
from demo_h5.models.export_onnx import ranker_bytes
from demo_h5.models.feed_reaction import demo_reaction
from demo_h5.models.make_catalogue import write_catalogue, write_items
from demo_h5.models.packages import MODELS_DIR, pinned, say, sha256_of
from demo_h5.models.purchases import Product, Purchases
from demo_h5.models.ranker_golden import ranker_golden
from demo_h5.models.sessions import (
    MIN_PURCHASES,
    TEST_RATIO,
    Cases,
    Ints,
    ItemTable,
    item_table,
    make_cases,
    split_time_s,
)
from demo_h5.models.training import Recipe, scorer, train

DATA_SEED = 7
TEST_CASES = 6000
DATA_LABEL = (
    "The Complete Journey, credit 84.51°. The package that ships the data labels them simulated "
    "and educational; clicks are simulated here from purchases. Not real shoppers' behaviour."
)


@dataclass(frozen=True, slots=True)
class Experiment:
    """The data of one experiment, the same for every seed."""

    table: ItemTable
    train: Cases
    test: Cases
    lists: dict[str, Ints]
    test_from_s: int


def prepare(purchases: Purchases, products: Mapping[int, Product]) -> Experiment:
    """Split by time and draw cases and the two kinds of candidate lists."""
    test_from_s = split_time_s(purchases)
    table = item_table(purchases, products, test_from_s)
    rng = np.random.default_rng(DATA_SEED)
    training, testing = make_cases(purchases, table, test_from_s, rng)
    chosen = np.sort(rng.permutation(len(testing))[:TEST_CASES])
    testing = testing.take(chosen)
    lists = {
        "popularity-sampled negatives": candidate_lists(testing, Sampler.by_popularity(table), rng),
        "uniform negatives": candidate_lists(testing, Sampler.uniform(table), rng),
    }
    return Experiment(table, training, testing, lists, test_from_s)


def measure(parameters: Parameters, experiment: Experiment) -> dict[str, Any]:
    """Return ranking metrics under both schemes, with rules and with strangers' histories."""
    ranker = scorer(parameters, experiment.table)
    scorers = {**baselines(experiment.table), "ranker": ranker}
    strangers = np.random.default_rng(DATA_SEED).permutation(len(experiment.test))
    results: dict[str, Any] = {}
    for scheme, lists in experiment.lists.items():
        results[scheme] = compare(scorers, experiment.test, lists)
        results[scheme]["ranker, another shopper's history"] = ranking_metrics(
            score_all(ranker, experiment.test.history[strangers], lists)
        )
    return results


def describe(experiment: Experiment, recipe: Recipe, seeds: list[int]) -> dict[str, Any]:
    """Return where the numbers come from: data, split, recipe, seeds and versions."""
    package = pinned(completejourney.PACKAGE)
    return {
        "data": {
            "package": f"{package.name}=={package.version}",
            "sha256": package.sha256,
            "label": DATA_LABEL,
        },
        "split": {
            "testRatio": TEST_RATIO,
            "testFrom": str(np.datetime64(experiment.test_from_s, "s")),
            "minPurchases": MIN_PURCHASES,
            "items": len(experiment.table) - 1,
            "categories": len(experiment.table.category_names) - 1,
            "trainCases": len(experiment.train),
            "testCases": len(experiment.test),
        },
        "recipe": recipe.to_dict(),
        "seeds": seeds,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
    }


def print_table(results: dict[str, Any]) -> None:
    """Print the ranking metrics, one scorer a line."""
    for scheme, rows in results.items():
        say(f"\n{scheme:38}    AUC   HR@10 NDCG@10    MRR")
        for name, row in rows.items():
            say(f"  {name:36}" + "".join(f"{row[key]:8.4f}" for key in row))


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Train once per seed; the first seed's model is exported, the others show the spread."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8])
    parser.add_argument("--out", type=Path, default=MODELS_DIR)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") is None:
        say("hint: OMP_NUM_THREADS=1 makes this faster and its result repeatable")
    purchases, products = completejourney.load()
    experiment, recipe = prepare(purchases, products), Recipe()
    table = experiment.table
    say(f"{len(experiment.train)} training cases, {len(experiment.test)} test cases")
    runs = {seed: train(experiment.train, table, recipe, seed, say) for seed in arguments.seeds}
    chosen = runs[arguments.seeds[0]]
    results = {seed: measure(parameters, experiment) for seed, parameters in runs.items()}
    print_table(results[arguments.seeds[0]])
    ranker = scorer(chosen, table)
    model = ranker_bytes(chosen, Inputs.of(table))
    (arguments.out / "ranker.onnx").write_bytes(model)
    write_items(table, arguments.out / "ranker.items.json")
    write_catalogue(table, products, arguments.out / "catalogue.json")
    metrics = {
        "model": {"file": "ranker.onnx", "sha256": sha256_of(model), "bytes": len(model)},
        **describe(experiment, recipe, arguments.seeds),
        "ranking": results[arguments.seeds[0]],
        "rankerBySeed": {
            scheme: {str(seed): results[seed][scheme]["ranker"] for seed in runs}
            for scheme in experiment.lists
        },
        "reaction": demo_reaction(ranker, table, experiment.test.history),
    }
    write_json(arguments.out / "ranker.metrics.json", metrics)
    write_json(
        arguments.out / "ranker.golden.json",
        ranker_golden(model, ranker, table, experiment.test.history),
    )
    say(f"\nranker.onnx: {len(model)} bytes, sha256 {metrics['model']['sha256']}")


if __name__ == "__main__":
    main()
