"""Sentences computed from the tables."""

from collections.abc import Mapping, Sequence

import pandas as pd

from latentgrid.text import number


def agreement(losses: pd.DataFrame, published_epochs: Mapping[str, Sequence[int]]) -> list[str]:
    """Compare our losses with the published ones, in a sentence or two per published table.

    Args:
        losses: the table `losses`.
        published_epochs: the numbers of epochs that each published table's runs trained.
    """
    ran = losses.dropna(subset=["ratio"])
    sentences = []
    for table, rows in ran.groupby("table", sort=False):
        ratios = rows["ratio"]
        sentences.append(
            f"Table {table}: {len(rows)} of {(losses['table'] == table).sum()} published settings "
            f"were run; ours ÷ published lies between {ratios.min():.3f} and {ratios.max():.3f}, "
            f"median {ratios.median():.3f}."
        )
    return sentences + _other_lengths(ran, published_epochs)


def _other_lengths(ran: pd.DataFrame, published_epochs: Mapping[str, Sequence[int]]) -> list[str]:
    """Return a sentence if some of our runs trained for other numbers of epochs; else nothing."""
    pairs = zip(ran["epochs"], ran["table"], strict=True)
    if all(epochs in published_epochs[table] for epochs, table in pairs):
        return []
    published = sorted({epochs for table in ran["table"] for epochs in published_epochs[table]})
    words, fewest = " or ".join(map(str, published)), ran["epochs"].min()
    if fewest < published[0]:
        return [
            f"Some of these runs trained for as few as {number(fewest)} epochs and the published "
            f"ones for {words}, so their ratios do not tell yet whether the numbers reproduce."
        ]
    return [f"Some of these runs trained longer than the published {words} epochs."]
