"""How well the clusters that a model found without labels agree with the classes."""

from typing import Any

from scipy.optimize import linear_sum_assignment
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("clustering_accuracy", "clustering_nmi")
LARGER_IS_BETTER = ("clustering_accuracy", "clustering_nmi")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return accuracy and normalised mutual information of the test images' clusters.

    Nothing where the images are not of two classes or more.
    """
    clusters = run.last("clusters")
    if clusters is None or not test.has_classes:
        return {}
    return agreement(clusters[: len(test.labels)], test.labels)


def agreement(clusters: Array, labels: Array) -> dict[str, Any]:
    """Return `clustering_accuracy` and `clustering_nmi` of clusters (n,) with labels (n,).

    The accuracy, in (0, 1], assigns at most one cluster to each class, in the best way, and is the
    share of images whose cluster is assigned to their class (Xie, Girshick and Farhadi 2016, eq.
    10). The NMI, in [0, 1], is I(clusters; classes) divided by the mean of the two entropies.
    """
    counts = contingency_matrix(labels, clusters)
    matched = linear_sum_assignment(counts, maximize=True)
    return {
        "clustering_accuracy": float(counts[matched].sum() / len(labels)),
        "clustering_nmi": float(normalized_mutual_info_score(labels, clusters)),
    }
