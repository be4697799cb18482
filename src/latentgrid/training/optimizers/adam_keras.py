"""Adam as Keras 2 computes it."""

from latentgrid.training.optimizers.adam import Adam


class AdamKeras(Adam):
    """Adam with Keras's ε = 1e-7, added to the uncorrected root as in TensorFlow 1.

    Keras 2.7, the version of source 002, which names no optimizer; tested against Keras itself.
    """

    EPSILON = 1e-7
