"""Results to explore in the app: runs trained in seconds, and some that have no result."""

import pandas as pd

from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from trained import SETTINGS, train_as

FEW = Layout("few")
TOO_FAST = 1e30  # a learning rate that diverges
VAE_2, VAE_5 = "vae/latent_dim=2/seed=5", "vae/latent_dim=5/seed=5"
PCA, AE, DAE = "pca/latent_dim=2/seed=5", "ae/latent_dim=3/seed=5", "dae/latent_dim=8/seed=5"
COND_GAN, LENET5, UNET = "cond_gan/latent_dim=4/seed=5", "lenet5/seed=5", "unet/seed=5"
DIVERGED = f"vae/latent_dim=2,learning_rate={TOO_FAST}/seed=5"
FAILED, NOT_BEGUN = "conv_vae/latent_dim=2/seed=5", "conv_vae/latent_dim=3/seed=5"
TRAINED = {
    VAE_2: {"latent_dim": 2},
    VAE_5: {"latent_dim": 5},
    DIVERGED: {"latent_dim": 2},
    PCA: {"latent_dim": 2},
    AE: {"latent_dim": 3},
    DAE: {"latent_dim": 8, "corruption": "pixels_50", "network": "dense", "hidden": 32},
    COND_GAN: {"latent_dim": 4, "hidden": 32},
    LENET5: {},
    UNET: {"corruption": "pixels_50", "channels": 2},
}
UNTRAINED = {FAILED: {"latent_dim": 2}, NOT_BEGUN: {"latent_dim": 3}}


def write_results(project, images, names=tuple(TRAINED)):
    """Train these runs of the data set few in a folder, and plan them and two that do not train."""
    for name in names:
        train_as(name, project, images, _settings(name))
    planned = [_planned(name) for name in (*names, *UNTRAINED)]
    failure = project / FEW.run(FAILED).failure
    failure.parent.mkdir(parents=True)
    write_json(failure, {"error": "no memory"})
    table = project / FEW.tables / "runs.csv"
    table.parent.mkdir(parents=True)
    pd.DataFrame(map(_measured, planned, range(len(planned)))).to_csv(table, index=False)
    write_json(project / FEW.plan, planned)


def _settings(name):
    rate = TOO_FAST if name == DIVERGED else SETTINGS["learning_rate"]
    kept = {"epochs": [0, 1, 2], "samples": 16, "manifold": 4}
    model = {"model": name.split("/")[0], "hyperparameters": (TRAINED | UNTRAINED)[name]}
    return model | SETTINGS | {"learning_rate": rate, "snapshots": kept}


def _planned(name):
    settings = _settings(name)
    axes = settings["hyperparameters"] | {"learning_rate": settings["learning_rate"]}
    return {"name": name, "entry": settings["model"], "axes": axes, "settings": settings}


def _measured(run, number):
    ended = run["name"] in TRAINED
    status = {"status": "finished" if ended else "failed", "min_train_loss": 9.0 - number}
    named = {"run": run["name"], "entry": run["entry"], "model": run["settings"]["model"]}
    seed = {"seed": run["settings"]["seed"]}
    return named | run["axes"] | seed | (status if ended else {"status": "failed"})
