"""pythae's models whose mathematics is that of ours, as PyTorch trains them, in double precision.

pythae (Chadebec, Vincent and Allassonnière 2022) brings the losses; the networks are built here,
and no code is shared with the models that this is a witness for. The file is not named `pythae.py`
because it would import itself. How to make its JSON again: docs/witnesses.md.
"""

from importlib.metadata import version

import torch
from pythae.models import AE, VAE, AEConfig, BetaVAE, BetaVAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

import draws

HIDDEN = 500
BETA = 4.0
LEARNING_RATE = 1.0
SHAPE = (1, draws.SIDE, draws.SIDE)


class Encoder(BaseEncoder):
    """Features, and one or two heads on them."""

    def __init__(self, features, *heads):
        super().__init__()
        self.features, self.heads = features, nn.ModuleList(heads)

    def forward(self, images):
        """Return what pythae calls embedding and, if there are two heads, log-covariance."""
        names = ("embedding", "log_covariance")
        features = self.features(images)
        return ModelOutput(
            **{n: head(features) for n, head in zip(names, self.heads, strict=False)}
        )


class Decoder(BaseDecoder):
    """A network of images."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, codes):
        """Return images."""
        return ModelOutput(reconstruction=self.layers(codes))


def convolutional(d):
    """Return pythae's autoencoder with two convolutions of stride 2 and their mirror image."""
    features = nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten()
    )
    decoder = Decoder(
        nn.Linear(d, 64 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 3, 2, 1, 1),
        nn.Sigmoid(),
    )
    encoder = Encoder(features, nn.Linear(64 * 7 * 7, d))
    return AE(AEConfig(input_dim=SHAPE, latent_dim=d), encoder, decoder)


def dense(d, model, config):
    """Return a variational autoencoder of pythae with one hidden layer on each side."""
    pixels = draws.SIDE**2
    features = nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.LeakyReLU(0.3))
    encoder = Encoder(features, nn.Linear(HIDDEN, d), nn.Linear(HIDDEN, d))
    decoder = Decoder(
        nn.Linear(d, HIDDEN),
        nn.LeakyReLU(0.3),
        nn.Linear(HIDDEN, pixels),
        nn.Sigmoid(),
        nn.Unflatten(1, SHAPE),
    )
    return model(config, encoder, decoder)


def built(name, d):
    """Return the model of pythae that is our model `name`."""
    settings = {"input_dim": SHAPE, "latent_dim": d, "reconstruction_loss": "bce"}
    if name == "conv_ae":
        return convolutional(d)
    if name == "vae_bce":
        return dense(d, VAE, VAEConfig(**settings))
    return dense(d, BetaVAE, BetaVAEConfig(beta=BETA, **settings))


def course(name, d):
    """Train, and return each step's terms, the first gradient, and how far weights have moved."""
    model = built(name, d).double()
    parameters = [*model.encoder.parameters(), *model.decoder.parameters()]
    shapes = [tuple(parameter.shape) for parameter in parameters]
    start, along = draws.weights(shapes), draws.directions(shapes)
    for parameter, values in zip(parameters, start, strict=True):
        parameter.data.copy_(torch.from_numpy(values))
    optimizer = torch.optim.Adadelta(parameters, LEARNING_RATE, rho=0.95, eps=1e-8)
    steps, gradient = [], None
    for pixels, noise in draws.batches(d):
        given = torch.from_numpy(noise)
        model._sample_gauss = lambda mean, std, given=given: (mean + given * std, given)
        output = model({"data": torch.from_numpy(pixels).unsqueeze(1)})
        optimizer.zero_grad()
        output.loss.backward()
        slopes = [parameter.grad.numpy() for parameter in parameters]
        gradient = gradient or draws.summaries(slopes, along)
        optimizer.step()
        names = {"loss": "loss", "reconstruction": "recon_loss", "kl": "reg_loss"}
        found = {ours: output[theirs] for ours, theirs in names.items() if theirs in output}
        steps.append({term: float(value.detach()) for term, value in found.items()})
    moved = [p.detach().numpy() - before for p, before in zip(parameters, start, strict=True)]
    beta = {"beta": BETA} if name == "beta_vae" else {}
    return {
        "model": name,
        "hyperparameters": {"latent_dim": d} | beta,
        "optimizer": "adadelta",
        "learning_rate": LEARNING_RATE,
        "shapes": shapes,
        "steps": steps,
        "first_gradient": gradient,
        "moved": draws.summaries(moved, along),
    }


def main():
    """Write what pythae and PyTorch compute."""
    torch.set_num_threads(1)
    names = ("conv_ae", "vae_bce", "beta_vae")
    cases = [course(name, d) for name in names for d in draws.DIMENSIONS]
    draws.write({name: version(name) for name in ("pythae", "torch", "numpy")}, cases=cases)


if __name__ == "__main__":
    main()
