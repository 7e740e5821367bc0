"""Trains a small neural network on real handwritten digits, in plain Python, as one job of a sweep.

One hidden layer, dropout, mini-batch gradient descent with momentum. All that changes during training lives in one state
dictionary, which is the checkpoint: a run that is interrupted and resumed ends exactly like one that was not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import random
import signal
import sys
import time
from operator import mul
from pathlib import Path
from typing import Any, List, Tuple

from jd import jd_get_last_checkpoint, jd_job_dir, jd_log_metric, jd_progress, jd_update_checkpoint, jd_upload

PIXELS, DIGITS = 64, 10
TRAINING_IMAGES = 1437
BATCH = 32
MOMENTUM = 0.9
SECONDS_BETWEEN_CHECKPOINTS = 1.0

Row = List[float]
Example = Tuple[Row, int]


def main() -> None:
    settings = read_settings()
    stop = StopRequest()
    training, validation = load_digits()
    state = resume(settings) or first_state(settings)
    saved = time.monotonic()
    while state["epoch"] < settings["epochs"]:
        finished = train_epoch(state, training, stop)
        if not finished:
            jd_update_checkpoint(state, max_retries=1)
            print(f"asked to stop: saved in epoch {state['epoch'] + 1}, batch {state['batch']}", flush=True)
            sys.exit(143)
        report(state, len(training), validation)
        if time.monotonic() - saved >= SECONDS_BETWEEN_CHECKPOINTS or state["epoch"] == settings["epochs"]:
            jd_update_checkpoint(state)
            saved = time.monotonic()
    upload_results(state, validation)


def read_settings() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description="Trains a small neural network on handwritten digits.")
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--hidden_units", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.0, help="share of hidden units that are left out at random")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    settings = vars(parser.parse_args())
    if settings["learning_rate"] <= 0 or settings["hidden_units"] < 1 or settings["epochs"] < 1 or not 0 <= settings["dropout"] < 1:
        parser.error("learning_rate must be above 0, hidden_units and epochs at least 1, dropout at least 0 and below 1")
    return settings


class StopRequest:
    """Remembers SIGTERM, so that training can stop at the next batch instead of anywhere."""

    def __init__(self) -> None:
        self.came = False
        signal.signal(signal.SIGTERM, self.remember)

    def remember(self, number: int, frame: object) -> None:
        self.came = True


def load_digits() -> tuple[list[Example], list[Example]]:
    with gzip.open(Path(__file__).with_name("digits.csv.gz"), "rt") as file:
        rows = [[int(cell) for cell in row] for row in csv.reader(file)]
    examples = [([value / 16 for value in row[:PIXELS]], row[PIXELS]) for row in rows]
    # The same split in every job, whatever its seed: otherwise accuracies could not be compared.
    random.Random(1998).shuffle(examples)
    return examples[:TRAINING_IMAGES], examples[TRAINING_IMAGES:]


def first_state(settings: dict[str, Any]) -> dict[str, Any]:
    chance = random.Random(settings["seed"])
    hidden = settings["hidden_units"]
    return {
        "settings": settings,
        "epoch": 0,
        "batch": 0,
        "order": [],
        "loss_sum": 0.0,
        "history": [],
        "first": random_layer(chance, PIXELS, hidden),
        "second": random_layer(chance, hidden, DIGITS),
        "chance": chance.getstate(),
    }


def random_layer(chance: random.Random, inputs: int, outputs: int) -> dict[str, Any]:
    spread = 1 / math.sqrt(inputs)
    return {
        "weights": [[chance.gauss(0, spread) for _ in range(inputs)] for _ in range(outputs)],
        "biases": [0.0] * outputs,
        "weight_speeds": [[0.0] * inputs for _ in range(outputs)],
        "bias_speeds": [0.0] * outputs,
    }


def resume(settings: dict[str, Any]) -> dict[str, Any] | None:
    state = jd_get_last_checkpoint()
    if state is None:
        return None
    if state["settings"] != settings:
        print("the checkpoint belongs to other settings; starting afresh", flush=True)
        return None
    print(f"resumed after {state['epoch']} epochs and {state['batch']} batches", flush=True)
    return state


def train_epoch(state: dict[str, Any], training: list[Example], stop: StopRequest) -> bool:
    """Goes on with the current epoch; False when it stopped before its end."""
    chance = random.Random()
    chance.setstate(state["chance"])
    if not state["order"]:
        state["order"] = chance.sample(range(len(training)), len(training))
        state["loss_sum"] = 0.0
    settings, order = state["settings"], state["order"]
    for start in range(state["batch"] * BATCH, len(order), BATCH):
        if stop.came:
            state["chance"] = chance.getstate()
            return False
        batch = [training[index] for index in order[start : start + BATCH]]
        state["loss_sum"] += train_batch(state, batch, dropout_masks(chance, settings, len(batch)))
        state["batch"] += 1
    state.update(epoch=state["epoch"] + 1, batch=0, order=[], chance=chance.getstate())
    return True


def dropout_masks(chance: random.Random, settings: dict[str, Any], count: int) -> list[Row]:
    share, hidden = settings["dropout"], settings["hidden_units"]
    kept = 1 / (1 - share)
    return [[0.0 if chance.random() < share else kept for _ in range(hidden)] for _ in range(count)]


def train_batch(state: dict[str, Any], batch: list[Example], masks: list[Row]) -> float:
    """One step of gradient descent; returns the sum of the losses before it."""
    first, second = state["first"], state["second"]
    backwards = list(zip(*second["weights"]))
    hidden_rows: list[Row] = []
    first_errors: list[Row] = []
    second_errors: list[Row] = []
    loss = 0.0
    for (pixels, digit), mask in zip(batch, masks):
        activity = [math.tanh(value) for value in outputs(first, pixels)]
        hidden = list(map(mul, activity, mask))
        errors = softmax(outputs(second, hidden))
        loss -= math.log(max(errors[digit], 1e-12))
        errors[digit] -= 1
        second_errors.append(errors)
        hidden_rows.append(hidden)
        first_errors.append(
            [sum(map(mul, column, errors)) * share * (1 - value * value) for column, share, value in zip(backwards, mask, activity)]
        )
    rate = state["settings"]["learning_rate"] / len(batch)
    descend(second, hidden_rows, second_errors, rate)
    descend(first, [pixels for pixels, _ in batch], first_errors, rate)
    return loss


def descend(layer: dict[str, Any], inputs: list[Row], errors: list[Row], rate: float) -> None:
    # By columns: a gradient is then one dot product over the batch, which is the fastest loop that plain Python has.
    columns = list(zip(*inputs))
    weights, speeds, biases, bias_speeds = layer["weights"], layer["weight_speeds"], layer["biases"], layer["bias_speeds"]
    for unit, error in enumerate(zip(*errors)):
        steps = [MOMENTUM * speed - rate * sum(map(mul, column, error)) for speed, column in zip(speeds[unit], columns)]
        speeds[unit] = steps
        weights[unit] = [weight + step for weight, step in zip(weights[unit], steps)]
        bias_speeds[unit] = MOMENTUM * bias_speeds[unit] - rate * sum(error)
        biases[unit] += bias_speeds[unit]


def outputs(layer: dict[str, Any], inputs: Row) -> Row:
    return [sum(map(mul, weights, inputs)) + bias for weights, bias in zip(layer["weights"], layer["biases"])]


def softmax(values: Row) -> Row:
    highest = max(values)
    powers = [math.exp(value - highest) for value in values]
    total = sum(powers)
    return [power / total for power in powers]


def predict(state: dict[str, Any], pixels: Row) -> int:
    scores = outputs(state["second"], [math.tanh(value) for value in outputs(state["first"], pixels)])
    return scores.index(max(scores))


def report(state: dict[str, Any], images: int, validation: list[Example]) -> None:
    epoch, epochs = state["epoch"], state["settings"]["epochs"]
    right = sum(predict(state, pixels) == digit for pixels, digit in validation)
    loss, accuracy = state["loss_sum"] / images, right / len(validation)
    state["history"].append({"epoch": epoch, "train_loss": loss, "validation_accuracy": accuracy})
    jd_log_metric("train_loss", loss, step=epoch)
    jd_log_metric("validation_accuracy", accuracy, step=epoch)
    jd_progress(epoch, epochs)
    print(f"epoch {epoch}/{epochs}  train loss {loss:.4f}  validation accuracy {accuracy:.1%}", flush=True)


def upload_results(state: dict[str, Any], validation: list[Example]) -> None:
    last = state["history"][-1]
    best = max(entry["validation_accuracy"] for entry in state["history"])
    result = {**state["settings"], **last, "best_validation_accuracy": best}
    counts = [[0] * DIGITS for _ in range(DIGITS)]
    for pixels, digit in validation:
        counts[digit][predict(state, pixels)] += 1
    directory = jd_job_dir()
    (directory / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    with (directory / "confusion_matrix.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["true digit", *(f"read as {digit}" for digit in range(DIGITS))])
        writer.writerows([digit, *row] for digit, row in enumerate(counts))
    jd_upload(directory / "result.json")
    jd_upload(directory / "confusion_matrix.csv")


if __name__ == "__main__":
    main()
