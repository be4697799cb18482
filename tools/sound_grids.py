"""Writes tests/sound_grids.csv: losses of finished runs, which are sound as nobody retyped them.

    snakemake --cores all --configfile tests/sound_grids.yaml --until train
    python tools/sound_grids.py digits=results/digits/runs mnist=FOLDER

Each argument is a data set and a folder with runs of it. The loss of a run is the smallest mean
loss per image of an epoch on the training images; `adam_000` is called adam, as the study does.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from latentgrid.files.atomic import read_json, read_rows, replacing

GRIDS = Path("tests/sound_grids.csv")
COLUMNS = ("dataset", "model", "latent_dim", "optimizer", "learning_rate", "seed", "loss")


def main() -> None:
    """Write the table."""
    rows = {row[:-1]: row for argument in sys.argv[1:] for row in _rows(*argument.split("=", 1))}
    with replacing(GRIDS) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(sorted(rows.values()))


def _rows(dataset: str, folder: str) -> Iterator[tuple[object, ...]]:
    for path in sorted(Path(folder).rglob("history.csv")):
        settings = read_json(path.with_name("config.json"), "settings")["settings"]
        losses = [float(row["train_loss"]) for row in read_rows(path, "train_loss")]
        yield (
            dataset,
            settings["model"],
            settings["hyperparameters"]["latent_dim"],
            settings["optimizer"].removesuffix("_000"),
            settings["learning_rate"],
            settings["seed"],
            f"{min(losses):.8g}",
        )


if __name__ == "__main__":
    main()
