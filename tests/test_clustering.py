"""The agreement of clusters with classes, in cases whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from latentgrid.evaluation.measures.clustering import agreement, measure
from latentgrid.results import trained

LABELS = np.repeat(np.arange(10, dtype=np.uint8), [13, 11, 10, 10, 10, 10, 10, 10, 9, 7])


def shuffled(values, seed=0):
    return np.random.default_rng(seed).permutation(values)


def test_clusters_that_are_the_classes_under_other_names_agree_fully():
    names = shuffled(np.arange(10, dtype=np.uint8))
    found = agreement(names[LABELS], LABELS)
    assert found["clustering_accuracy"] == 1
    assert found["clustering_nmi"] == pytest.approx(1)


def test_one_cluster_for_all_has_the_share_of_the_largest_class():
    found = agreement(np.zeros_like(LABELS), LABELS)
    assert found["clustering_accuracy"] == pytest.approx(0.13)
    assert found["clustering_nmi"] == pytest.approx(0)


def test_a_cluster_for_every_image_has_one_image_right_in_each_class():
    found = agreement(np.arange(100), LABELS)
    assert found["clustering_accuracy"] == pytest.approx(10 / 100)


def test_two_classes_may_not_share_a_cluster():
    """Assigning each cluster to its largest class alone would give 3/4."""
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    clusters = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    assert agreement(clusters, labels)["clustering_accuracy"] == pytest.approx(5 / 8)


def test_the_best_assignment_is_not_the_greedy_one():
    """Greedy takes the 5 first and is left with 0; the best is 4 + 4."""
    table = [[5, 4], [4, 0]]
    pairs = [(i, j) for i in range(2) for j in range(2) for _ in range(table[i][j])]
    clusters, labels = np.array(pairs).T
    assert agreement(clusters, labels)["clustering_accuracy"] == pytest.approx(8 / 13)


def test_the_information_by_hand():
    """Clusters halve both of two classes' four images but for one: I over the mean entropy."""
    joint = np.array([[3, 1], [0, 4]]) / 8
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)

    def entropy(p):
        return -sum(q * np.log(q) for q in np.ravel(p) if q)

    information = entropy(rows) + entropy(columns) - entropy(joint)
    labels, clusters = np.array([0] * 4 + [1] * 4), np.array([5, 5, 5, 2, 2, 2, 2, 2])
    assert agreement(clusters, labels)["clustering_nmi"] == pytest.approx(
        information / ((entropy(rows) + entropy(columns)) / 2)
    )


def test_clusters_that_know_nothing_of_the_classes_have_little_information():
    labels = np.tile(np.arange(10), 1000)
    found = agreement(shuffled(labels), labels)
    assert found["clustering_accuracy"] == pytest.approx(0.12, abs=0.02)
    assert found["clustering_nmi"] < 0.01


def test_the_measure_reads_the_last_clusters_of_the_measured_images_alone():
    run = SimpleNamespace(last={"clusters": np.array([4, 4, 7, 7, 0])}.get)
    test = trained.TestSet(images=np.zeros((4, 1, 8, 8)), labels=np.array([1, 1, 0, 0]))
    assert measure(run, test) == agreement(np.array([4, 4, 7, 7]), test.labels)
    assert measure(run, test)["clustering_accuracy"] == 1


def test_a_run_without_clusters_has_no_such_figures():
    assert measure(SimpleNamespace(last={}.get), trained.TestSet(np.zeros(0), LABELS)) == {}
