"""Source 002's autoencoders as Keras trains them, in double precision.

Keras 2, as in the source (`tf_keras`): its layers, its cross entropy, its Adam, its `fit`. Networks
and losses are built from what the source's listings say; no code is shared with the models that
this is a witness for. How to make the file again: docs/witnesses.md.
"""

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tf_keras import layers

import draws

HIDDEN = 500
LEARNING_RATE = 1e-3
BETA = 4.0


def stack(inputs, *parts):
    """Return the layers one after another, as a model."""
    tensor = source = keras.Input(inputs)
    for part in parts:
        tensor = part(tensor)
    return keras.Model(source, tensor)


def leaky_dense():
    """Return the hidden layer of the dense networks (listings 3.1, 3.2 and 4.2)."""
    return layers.Dense(HIDDEN, activation=layers.LeakyReLU())


def convolutions(layer, *sizes):
    """Return convolutions of either way: filters, kernel, stride, padding (listings 4.3, 4.4)."""
    return [layer(f, k, s, padding, activation=layers.LeakyReLU()) for f, k, s, padding in sizes]


def features_of(name):
    """Return the encoder below its heads."""
    image = (draws.SIDE, draws.SIDE, 1)
    if name != "conv5_vae":
        return stack(image, layers.Flatten(), leaky_dense())
    sizes = (32, 5, 1, "same"), (32, 5, 2, "same"), (64, 5, 1, "same"), (64, 5, 2, "same")
    convolved = convolutions(layers.Conv2D, *sizes, (128, 7, 1, "valid"))
    return stack(image, *convolved, layers.Flatten())


def decoder_of(name, d):
    """Return the decoder."""
    image = (draws.SIDE, draws.SIDE, 1)
    if name != "conv5_vae":
        pixels = layers.Dense(draws.SIDE**2, activation="sigmoid")
        return stack((d,), leaky_dense(), pixels, layers.Reshape(image))
    sizes = (64, 7, 1, "valid"), (64, 5, 1, "same"), (64, 5, 2, "same")
    sizes += (32, 5, 1, "same"), (32, 5, 2, "same"), (32, 5, 1, "same")
    last = layers.Conv2D(1, 5, 1, "same", activation="sigmoid")
    return stack(
        (d,), layers.Reshape((1, 1, d)), *convolutions(layers.Conv2DTranspose, *sizes), last
    )


class Witness(keras.Model):
    """The training of listings 3.4 and 4.1, with noise that is given instead of drawn."""

    def __init__(self, name, d):
        super().__init__()
        self.heads = [layers.Dense(d) for _ in range(1 if name == "ae" else 2)]
        self.features, self.decoder = features_of(name), decoder_of(name, d)
        self.beta = BETA if name == "beta_vae" else 1.0

    def call(self, given, training=False):
        """Add the loss of images, given with the noise of their codes, to the model's."""
        pixels, noise = given
        image = pixels[..., None]
        features = self.features(image)
        codes = self.heads[0](features)
        if len(self.heads) > 1:
            mean, log_variance = codes, self.heads[1](features)
            codes = mean + tf.exp(0.5 * log_variance) * noise
            kl = -0.5 * (1 + log_variance - tf.square(mean) - tf.exp(log_variance))
            kl = tf.reduce_mean(tf.reduce_sum(kl, axis=1))
            self.add_loss(self.beta * kl)
            self.add_metric(kl, name="kl")
        decoded = self.decoder(codes)
        crossed = keras.losses.binary_crossentropy(image, decoded)
        reconstruction = tf.reduce_mean(tf.reduce_sum(crossed, axis=[1, 2]))
        self.add_loss(reconstruction)
        self.add_metric(reconstruction, name="reconstruction")
        return decoded

    def in_order(self):
        """Return the variables from the first layer to the last."""
        heads = [variable for head in self.heads for variable in head.trainable_variables]
        encoder, decoder = self.features.trainable_variables, self.decoder.trainable_variables
        return [*encoder, *heads, *decoder]


def adam():
    """Return the Adam of Keras 2.7 with its constants, which it would keep in single precision."""
    constants = {"learning_rate": LEARNING_RATE, "beta_1": 0.9, "beta_2": 0.999}
    exact = {name: tf.constant(value, tf.float64) for name, value in constants.items()}
    return keras.optimizers.legacy.Adam(**exact)


def course(name, d):
    """Train, and return each step's terms, the first gradient, and how far weights have moved."""
    keras.utils.set_random_seed(0)
    model = Witness(name, d)
    batches = draws.batches(d)
    model(batches[0])
    variables = model.in_order()
    largest = [float(np.abs(variable.numpy()).max()) for variable in variables]
    shapes = [tuple(variable.shape) for variable in variables]
    start, along = draws.weights(shapes), draws.directions(shapes)
    for variable, values in zip(variables, start, strict=True):
        variable.assign(values)

    @tf.function  # as in `fit`: Keras finds the logits of a sigmoid in a graph alone
    def first_gradient():
        with tf.GradientTape() as tape:
            model(tuple(map(tf.constant, batches[0])))
            loss = tf.add_n(model.losses)
        return tape.gradient(loss, variables)

    gradient = draws.summaries([slope.numpy() for slope in first_gradient()], along)
    model.compile(optimizer=adam())
    steps = [
        {term: float(value) for term, value in model.train_on_batch(b, return_dict=True).items()}
        for b in batches
    ]
    moved = [v.numpy() - before for v, before in zip(variables, start, strict=True)]
    given = {"beta": BETA} if name == "beta_vae" else {}
    dense = {} if name == "conv5_vae" else {"hidden": HIDDEN, "cross_entropy": "clipped"}
    return {
        "model": name,
        "hyperparameters": {"latent_dim": d} | given | dense,
        "optimizer": "adam_keras",
        "learning_rate": LEARNING_RATE,
        "shapes": shapes,
        "largest_initial": largest,
        "steps": steps,
        "first_gradient": gradient,
        "moved": draws.summaries(moved, along),
    }


def cross_entropies():
    """Return Keras's cross entropy, and its slope, of probabilities that it cuts and others."""
    near = [0.0, 1e-12, 5e-8, 1.5e-7, 1e-3, 0.3]
    grid = [(p, x) for p in near + [1 - p for p in near] for x in (0.0, 0.25, 1.0)]
    probabilities, pixels = (tf.constant(column, tf.float64) for column in zip(*grid, strict=True))
    with tf.GradientTape() as tape:
        tape.watch(probabilities)
        values = keras.backend.binary_crossentropy(pixels, probabilities)
    columns = (probabilities, pixels, values, tape.gradient(values, probabilities))
    names = ("probabilities", "pixels", "values", "slopes")
    return {name: c.numpy().tolist() for name, c in zip(names, columns, strict=True)}


def main():
    """Write what Keras computes."""
    keras.backend.set_floatx("float64")
    models = ("ae", "vae_bce", "beta_vae", "conv5_vae")
    cases = [course(name, d) for name in models for d in draws.DIMENSIONS]
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
    draws.write(versions, cases=cases, cross_entropies=cross_entropies())


if __name__ == "__main__":
    main()
