"""How well the clusters that a model found agree with the classes it was never shown."""

from typing import Any

from scipy.optimize import linear_sum_assignment
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from latentgrid.results.trained import Array, TestSet, TrainedRun


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return accuracy and normalised mutual information of the test images' clusters."""
    clusters = run.last("clusters")
    if clusters is None:
        return {}
    return agreement(clusters[: len(test.labels)], test.labels)


def agreement(clusters: Array, labels: Array) -> dict[str, Any]:
    """Return `clustering_accuracy` and `clustering_nmi` of clusters (n,) with labels (n,).

    The accuracy, in (0, 1], is the share of images whose cluster is that of their class under the
    best assignment of at most one cluster to each class (Xie, Girshick and Farhadi 2016, eq. 10).
    The information, in [0, 1], is I(clusters; classes) over the mean of the two entropies.
    """
    counts = contingency_matrix(labels, clusters)
    matched = linear_sum_assignment(counts, maximize=True)
    return {
        "clustering_accuracy": float(counts[matched].sum() / len(labels)),
        "clustering_nmi": float(normalized_mutual_info_score(labels, clusters)),
    }
