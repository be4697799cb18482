"""A grid that would train one network under two settings is refused, and no other."""

from itertools import product

import pytest

from latentgrid.data.contract import Size
from latentgrid.errors import UserError
from latentgrid.models.ae import AE
from latentgrid.training.alike import require_different

SIZE = Size(100, 50, (1, 8, 8), 10)
SMALL = {"latent_dim": [2], "hidden": [4], "channels": [2]}


def plan(model, axes, **settings):
    combinations = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    return [
        {
            "name": f"{model}/{number}",
            "entry": model,
            "settings": {"model": model, "hyperparameters": chosen} | settings,
        }
        for number, chosen in enumerate(combinations)
    ]


IDLE = [
    ("gan", "hidden", SMALL | {"network": ["conv"]}),
    ("gan", "channels", SMALL | {"network": ["dense"]}),
    ("cond_gan", "hidden", SMALL | {"network": ["conv"]}),
    ("wgan", "penalty", SMALL | {"lipschitz": ["clipping"]}),
    ("wgan", "clip", SMALL | {"lipschitz": ["penalty"]}),
    ("dae", "hidden", SMALL | {"network": ["conv"]}),
    ("dae", "channels", SMALL | {"network": ["dense"]}),
    ("conv5_vae", "hidden", {"latent_dim": [2]}),
    ("ae", "narrowing", {"latent_dim": [2], "hidden": [4]}),
    ("flow", "hidden", {"kind": ["linear"], "transforms": [2]}),
    ("flow", "layers", {"kind": ["elementwise"], "transforms": [2]}),
]
ACTING = [
    ("gan", SMALL | {"network": ["dense", "conv"], "discriminator_steps": [1, 2]}),
    ("gan", SMALL | {"network": ["conv_dense"], "hidden": [3, 4], "channels": [2, 3]}),
    ("gan", SMALL | {"generator_loss": ["non_saturating", "minimax"]}),
    ("wgan", SMALL | {"penalty": [1.0, 2.0], "critic_steps": [1, 2]}),
    ("wgan", SMALL | {"lipschitz": ["clipping"], "clip": [0.1, 0.2]}),
    ("dae", SMALL | {"corruption": ["noise", "block"]}),
    ("conv5_vae", {"latent_dim": [2], "encoder": ["dense"], "hidden": [3, 4], "beta": [1.0, 2.0]}),
    ("ae", {"latent_dim": [2], "hidden_layers": [2], "hidden": [4], "narrowing": [1, 2]}),
    ("ae", {"latent_dim": [2], "hidden": [4], "cross_entropy": ["exact", "clipped"]}),
    ("vae_bce", {"latent_dim": [2], "hidden": [4], "estimator": ["analytic", "sampled"]}),
    ("flow", {"kind": ["coupling"], "transforms": [2], "hidden": [3, 4], "layers": [1, 2]}),
    ("gmvae", {"latent_dim": [2], "pretraining": [1, 2], "start": ["full", "diag"]}),
    ("pca", {"latent_dim": [2, 3]}),
]


@pytest.mark.parametrize(("model", "axis", "others"), IDLE)
def test_a_hyperparameter_that_a_network_ignores_is_named(model, axis, others):
    values = [2.0, 3.0] if axis in ("penalty", "clip") else [2, 3]
    with pytest.raises(UserError) as caught:
        require_different(plan(model, others | {axis: values}), SIZE)
    assert str(caught.value) == (
        f"{model}/1: {axis}: found {values[0]} and {values[1]}, which make the same network as "
        f"{model}/0; allowed: one value, or an entry of its own for the networks that it changes"
    )


@pytest.mark.parametrize(("model", "axes"), ACTING)
def test_hyperparameters_that_change_a_network_are_not(model, axes):
    require_different(plan(model, axes), SIZE)


def test_runs_of_other_settings_or_entries_are_no_second_time():
    runs = [
        *plan("ae", {"latent_dim": [2], "narrowing": [1]}, batch_size=10),
        *plan("ae", {"latent_dim": [2], "narrowing": [2]}, batch_size=20),
        *[run | {"entry": "mine"} for run in plan("ae", {"latent_dim": [2], "narrowing": [2]})],
    ]
    require_different(runs, SIZE)


def test_a_model_whose_parts_cannot_be_written_down_is_not_compared(monkeypatch):
    """What it does with a value cannot be known then."""
    build = AE.__init__

    def with_function(self, image_shape, latent_dim, hidden=4, narrowing=1):
        build(self, image_shape, latent_dim, hidden)
        self.later = lambda epoch: epoch > narrowing

    monkeypatch.setattr(AE, "__init__", with_function)
    require_different(plan("ae", {"latent_dim": [2], "narrowing": [1, 2]}), SIZE)
