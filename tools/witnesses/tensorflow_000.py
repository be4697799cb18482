"""Source 000's three models as TensorFlow trains them, in double precision.

Layers, losses and optimizers are built from source 000's own description; no code is shared with
the models that this is a witness for. How to make the file again: docs/witnesses.md.
"""

import numpy as np
import tensorflow as tf

import draws

LEARNING_RATE = 7.5e-4
MODELS = ("vae", "conv_vae", "mmd_vae")
OPTIMIZERS = ("adam_000", "rmsprop", "adadelta")


def pair(name, d):
    """Return encoder and decoder of a model."""
    layers = tf.keras.layers
    images, codes = tf.keras.Input((draws.SIDE, draws.SIDE, 1)), tf.keras.Input((d,))
    if name == "vae":
        hidden = [layers.Dense(512, "relu") for _ in range(5)]
        last = [layers.Dense(draws.SIDE**2, "relu"), layers.Reshape((draws.SIDE, draws.SIDE, 1))]
        encoder = [images, layers.Flatten(), *hidden[:3], layers.Dense(2 * d)]
        return tf.keras.Sequential(encoder), tf.keras.Sequential([codes, *hidden[3:], *last])
    outputs, activation = (d, "sigmoid") if name == "mmd_vae" else (2 * d, None)
    conv, back = layers.Conv2D, layers.Conv2DTranspose
    encoder = [images, conv(32, 3, 2, activation="relu"), conv(64, 3, 2, activation="relu")]
    encoder += [layers.Flatten(), layers.Dense(outputs)]
    decoder = [codes, layers.Dense(7 * 7 * 32, "relu"), layers.Reshape((7, 7, 32))]
    decoder += [back(64, 3, 2, "same", activation="relu")]
    decoder += [back(32, 3, 2, "same", activation="relu")]
    decoder += [back(1, 3, 1, "same", activation=activation)]
    return tf.keras.Sequential(encoder), tf.keras.Sequential(decoder)


def optimizer_of(name):
    """Return TensorFlow 1's optimizer with the constants that ran, in double precision."""

    def exact(**constants):
        return {key: tf.constant(value, tf.float64) for key, value in constants.items()}

    train = tf.compat.v1.train
    rate = tf.constant(LEARNING_RATE, tf.float64)
    if name == "rmsprop":
        return train.RMSPropOptimizer(rate, **exact(decay=0.9, momentum=0.0, epsilon=1e-10))
    if name == "adadelta":
        return train.AdadeltaOptimizer(rate, **exact(rho=0.95, epsilon=1e-8))
    return train.AdamOptimizer(rate, **exact(beta1=0.9, beta2=0.999, epsilon=1e-8))


def kernel(x, y):
    """Return exp(−mean((x − y)²) / d) of all pairs, as the source tiles them."""
    n, m, d = x.shape[0], y.shape[0], x.shape[1]
    tiled_x = tf.tile(tf.reshape(x, [n, 1, d]), [1, m, 1])
    tiled_y = tf.tile(tf.reshape(y, [1, m, d]), [n, 1, 1])
    return tf.exp(-tf.reduce_mean(tf.square(tiled_x - tiled_y), axis=2) / d)


def terms(name, encoder, decoder, pixels, noise):
    """Return both terms of a batch's loss, by their names here."""
    images = pixels[..., None]
    codes = encoder(images)
    if name == "mmd_vae":
        mmd = tf.reduce_mean(kernel(noise, noise)) + tf.reduce_mean(kernel(codes, codes))
        mmd -= 2 * tf.reduce_mean(kernel(noise, codes))
        return {"reconstruction": tf.reduce_mean(tf.square(images - decoder(codes))), "mmd": mmd}
    mean, log_variance = tf.split(codes, 2, axis=1)
    drawn = decoder(mean + tf.exp(log_variance / 2) * noise)
    kl = tf.reduce_sum(tf.exp(log_variance)) + tf.reduce_sum(tf.square(mean))
    kl -= mean.shape[1] + tf.reduce_sum(log_variance)
    return {"reconstruction": tf.reduce_sum(tf.square(images - drawn)), "kl": kl / 2}


def course(name, d, optimizer_name):
    """Train, and return each step's terms, the first gradient, and how far weights have moved."""
    tf.keras.utils.set_random_seed(0)
    encoder, decoder = pair(name, d)
    # Optimizers of TensorFlow 1 know the variables of TensorFlow, not those of Keras around them.
    variables = [v.value for v in encoder.trainable_variables + decoder.trainable_variables]
    largest = [float(np.abs(variable.numpy()).max()) for variable in variables]
    shapes = [tuple(variable.shape) for variable in variables]
    start, along = draws.weights(shapes), draws.directions(shapes)
    for variable, values in zip(variables, start, strict=True):
        variable.assign(values)
    cut = len(encoder.trainable_variables)
    optimizer = optimizer_of(optimizer_name)
    steps, gradient = [], None
    for pixels, noise in draws.batches(d):
        with tf.GradientTape() as tape:
            parts = terms(name, encoder, decoder, tf.constant(pixels), tf.constant(noise))
            loss = sum(parts.values())
        slopes = tape.gradient(loss, variables)
        gradient = gradient or draws.summaries([slope.numpy() for slope in slopes], along)
        steps.append({"loss": float(loss)} | {term: float(part) for term, part in parts.items()})
        both = list(zip(slopes, variables, strict=True))
        optimizer.apply_gradients(both[:cut])
        optimizer.apply_gradients(both[cut:])
    moved = [v.numpy() - before for v, before in zip(variables, start, strict=True)]
    return {
        "model": name,
        "hyperparameters": {"latent_dim": d},
        "optimizer": optimizer_name,
        "learning_rate": LEARNING_RATE,
        "shapes": shapes,
        "largest_initial": largest,
        "steps": steps,
        "first_gradient": gradient,
        "moved": draws.summaries(moved, along),
    }


def main():
    """Write what TensorFlow computes."""
    tf.keras.backend.set_floatx("float64")
    cases = [course(name, d, o) for name in MODELS for d in draws.DIMENSIONS for o in OPTIMIZERS]
    draws.write({"tensorflow": tf.__version__, "numpy": np.__version__}, cases=cases)


if __name__ == "__main__":
    main()
