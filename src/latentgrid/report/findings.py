"""What the tables show, in sentences computed from them."""

import pandas as pd

from latentgrid.text import number


def agreement(losses: pd.DataFrame) -> list[str]:
    """Say how ours compare with the published losses, table by table."""
    sentences = []
    for table, rows in losses.dropna(subset=["ratio"]).groupby("table", sort=False):
        ratios = rows["ratio"]
        sentences.append(
            f"Table {table}: {len(rows)} of {(losses['table'] == table).sum()} published settings "
            f"were run; ours ÷ published lies between {ratios.min():.3f} and {ratios.max():.3f}, "
            f"median {ratios.median():.3f}."
        )
    epochs = losses.dropna(subset=["ratio"])["epochs"]
    if (epochs != PUBLISHED_EPOCHS).any():
        sentences.append(
            f"Some of these runs trained for as few as {number(epochs.min())} epochs"
            f" and the published ones for {PUBLISHED_EPOCHS}, so their ratios do not tell yet"
            f" whether the numbers reproduce."
            if epochs.min() < PUBLISHED_EPOCHS
            else f"Some of these runs trained longer than the published {PUBLISHED_EPOCHS} epochs."
        )
    return sentences


PUBLISHED_EPOCHS = 50
