"""Source 000's three models as TensorFlow trains them, in double precision, written to a file.

It builds layers, losses and optimizers from source 000's own description and shares no code with
the models that it is a witness for. `silence/test_tensorflow.py` compares those with its file.
To make the file again (1.6 GB of packages, in an environment of their own; half a minute):

    python3 -m venv witness
    witness/bin/pip install tensorflow-cpu==2.21.0
    witness/bin/python tests/tensorflow_witness.py > tests/tensorflow_witness.json
"""

import json
import sys

import numpy as np

SIDE = 28
BATCH = 4
STEPS = 4
LEARNING_RATE = 7.5e-4
DIMENSIONS = (2, 20)
MODELS = ("vae", "conv_vae", "mmd_vae")
# `adam` is one application to all variables, the others are applied to encoder and decoder in turn.
OPTIMIZERS = ("adam", "adam_000", "rmsprop", "adadelta")


def weights_of(shapes):
    """Draw weights in TensorFlow's layout: fans in come first, biases have one axis."""
    draw = np.random.RandomState(1)
    return [draw.normal(size=s) * np.prod(s[:-1] or (100,)) ** -0.5 for s in shapes]


def batches(dimensions):
    """Draw the images, (n, side, side, 1) in [0, 1], and the noise (n, d) of each step."""
    draw = np.random.RandomState(2)
    return [
        (draw.uniform(size=(BATCH, SIDE, SIDE, 1)), draw.normal(size=(BATCH, dimensions)))
        for _ in range(STEPS)
    ]


def fingerprints(tensors):
    """Return two projections of each tensor, whose elements are all in them."""
    return [
        [float((t * np.random.RandomState(seed).normal(size=t.shape)).sum()) for seed in (3, 4)]
        for t in tensors
    ]


def pair(keras, name, d):
    """Return encoder and decoder of a model."""
    images, codes = keras.Input((SIDE, SIDE, 1)), keras.Input((d,))
    if name == "vae":
        layer = keras.layers.Dense
        hidden = [layer(512, "relu") for _ in range(5)]
        last = [layer(SIDE * SIDE, "relu"), keras.layers.Reshape((SIDE, SIDE, 1))]
        encoder = [images, keras.layers.Flatten(), *hidden[:3], layer(2 * d)]
        return keras.Sequential(encoder), keras.Sequential([codes, *hidden[3:], *last])
    outputs, activation = (d, "sigmoid") if name == "mmd_vae" else (2 * d, None)
    conv, back = keras.layers.Conv2D, keras.layers.Conv2DTranspose
    encoder = [images, conv(32, 3, 2, activation="relu"), conv(64, 3, 2, activation="relu")]
    encoder += [keras.layers.Flatten(), keras.layers.Dense(outputs)]
    decoder = [codes, keras.layers.Dense(7 * 7 * 32, "relu"), keras.layers.Reshape((7, 7, 32))]
    decoder += [back(64, 3, 2, "same", activation="relu")]
    decoder += [back(32, 3, 2, "same", activation="relu")]
    decoder += [back(1, 3, 1, "same", activation=activation)]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def optimizer_of(tf, name):
    """Return the optimizer with the constants that ran, in double precision."""

    def exact(**constants):
        return {key: tf.constant(value, tf.float64) for key, value in constants.items()}

    train = tf.compat.v1.train
    rate = tf.constant(LEARNING_RATE, tf.float64)
    if name == "rmsprop":
        return train.RMSPropOptimizer(rate, **exact(decay=0.9, momentum=0.0, epsilon=1e-10))
    if name == "adadelta":
        return train.AdadeltaOptimizer(rate, **exact(rho=0.95, epsilon=1e-8))
    return train.AdamOptimizer(rate, **exact(beta1=0.9, beta2=0.999, epsilon=1e-8))


def kernel(tf, x, y):
    """Return exp(−mean((x − y)²) / d) of all pairs, as the source tiles them."""
    n, m, d = x.shape[0], y.shape[0], x.shape[1]
    tiled_x = tf.tile(tf.reshape(x, [n, 1, d]), [1, m, 1])
    tiled_y = tf.tile(tf.reshape(y, [1, m, d]), [n, 1, 1])
    return tf.exp(-tf.reduce_mean(tf.square(tiled_x - tiled_y), axis=2) / d)


def terms(tf, name, encoder, decoder, batch):
    """Return both terms of a batch's loss."""
    images, noise = (tf.constant(part) for part in batch)
    codes = encoder(images)
    if name == "mmd_vae":
        mmd = tf.reduce_mean(kernel(tf, noise, noise)) + tf.reduce_mean(kernel(tf, codes, codes))
        mmd -= 2 * tf.reduce_mean(kernel(tf, noise, codes))
        return [tf.reduce_mean(tf.square(images - decoder(codes))), mmd]
    mean, log_variance = tf.split(codes, 2, axis=1)
    drawn = decoder(mean + tf.exp(log_variance / 2) * noise)
    kl = tf.reduce_sum(tf.exp(log_variance)) + tf.reduce_sum(tf.square(mean))
    kl -= mean.shape[1] + tf.reduce_sum(log_variance)
    return [tf.reduce_sum(tf.square(images - drawn)), kl / 2]


def course(tf, name, d, optimizer_name):
    """Train: each step's terms, the first gradient, and how far weights have moved."""
    encoder, decoder = pair(tf.keras, name, d)
    variables = [v.value for v in encoder.trainable_variables + decoder.trainable_variables]
    start = weights_of([tuple(v.shape) for v in variables])
    for variable, values in zip(variables, start, strict=True):
        variable.assign(values)
    cut = 0 if optimizer_name == "adam" else len(encoder.trainable_variables)
    optimizer = optimizer_of(tf, optimizer_name)
    losses, gradient = [], None
    for batch in batches(d):
        with tf.GradientTape() as tape:
            parts = terms(tf, name, encoder, decoder, batch)
            loss = parts[0] + parts[1]
        slopes = tape.gradient(loss, variables)
        gradient = gradient or fingerprints([slope.numpy() for slope in slopes])
        losses.append([float(part) for part in parts])
        steps = list(zip(slopes, variables, strict=True))
        for group in filter(None, (steps[:cut], steps[cut:])):
            optimizer.apply_gradients(group)
    moved = [v.numpy() - before for v, before in zip(variables, start, strict=True)]
    return {"losses": losses, "gradient": gradient, "moved": fingerprints(moved)}


def main():
    """Write what TensorFlow computes."""
    import tensorflow as tf

    tf.keras.backend.set_floatx("float64")
    cases = {
        f"{name}, d = {d}, {optimizer}": course(tf, name, d, optimizer)
        for name in MODELS
        for d in DIMENSIONS
        for optimizer in OPTIMIZERS
    }
    json.dump({"tensorflow": tf.__version__, "cases": cases}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
