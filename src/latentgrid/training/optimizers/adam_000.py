"""Adam as source 000 applied it, to encoder and decoder in turn."""

from torch import Tensor

from latentgrid.training.optimizers.adam import Adam

IN_TURN = True


class Adam000(Adam):
    """Adam as source 000 applied it: one object updates the encoder, then the decoder.

    The source computes the gradients of one loss for both networks, then applies one
    `tf.compat.v1` object to the encoder and again to the decoder. TensorFlow advances β₁ᵗ and β₂ᵗ
    at each application, so at step s the encoder is updated with t = 2s − 1 and the decoder with
    t = 2s; the moments advance once a step. That makes the effective learning rate 1.38 times
    Adam's at step 50 and 1.24 times at step 600.
    """

    def update(self, gradients: list[Tensor]) -> None:
        """Change one group after another, and advance t by one for each."""
        start = 0
        for group in self.groups:
            self.apply(slice(start, start := start + len(group)), gradients)
