"""Adam for adversarial networks."""

from latentgrid.training.optimizers.adam import Adam


class AdamGAN(Adam):
    """Adam with β₁ = 0.5, at which adversarial networks train stably.

    Radford, Metz and Chintala (2016), "Unsupervised representation learning with deep
    convolutional generative adversarial networks", section 4.
    """

    BETA1 = 0.5
