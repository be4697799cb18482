"""Networks that do not fit are named before anything is trained."""

import sys
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.grid import catalogue, plugins
from latentgrid.models.bases.reconstruction import squared_error
from latentgrid.training import optimizers
from latentgrid.training.snapshots import snapshot
from latentgrid.training.trial import (
    build_model,
    require_enough,
    require_trainable,
    try_run,
    try_step,
)
from networks import build
from project import TINY, call, copy_project, run, write_params

SETTINGS = {
    "model": "conv5_vae",
    "hyperparameters": {"latent_dim": 2, "encoder": "conv", "decoder": "dense"},
    "optimizer": "adam",
    "learning_rate": 0.001,
    "precision": "float32",
    "batch_size": 50,
}
SIZE = Size(100, 10, (1, 28, 28), 10)
PREPARE = ("snakemake", "--cores", "2", "data")
# The documentation's example, with a decoder that wants a code of one dimension more.
MISFIT = '''"""An encoder and a decoder that do not meet."""

from math import prod

from torch import nn

from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.gaussian import GaussianVAE
from latentgrid.nets.dense import dense, dense_decoder


class Misfit(GaussianVAE):
    """A pair that does not meet."""

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__(
            latent_dim,
            encoder=dense([prod(image_shape), 2 * latent_dim]),
            decoder=dense_decoder(image_shape, [latent_dim + 1, 8], output=nn.Sigmoid()),
        )
'''


def test_pair_that_meets_passes():
    try_step("a", build_model("a", SETTINGS, SIZE), SETTINGS, SIZE)


def test_network_that_does_not_fit_the_images_is_named():
    with pytest.raises(UserError, match=r"^conv5: fails when tried on images of 1×30×30: .*of 4"):
        build_model("conv5", SETTINGS, Size(100, 10, (1, 30, 30), 10))


def test_more_dimensions_than_pixels_are_refused():
    pca = {"model": "pca", "hyperparameters": {"latent_dim": 785}}
    with pytest.raises(UserError, match="up to the 784 pixels"):
        build_model("pca", pca, SIZE)


@pytest.mark.parametrize(
    ("epochs", "images", "words"),
    [(5, 100, "gm: epochs is 5 and pretraining 5"), (6, 3, "gm: components is 4, with 3")],
)
def test_mixture_that_would_never_be_fitted_is_refused(epochs, images, words):
    settings = {
        "model": "gmvae",
        "hyperparameters": {"latent_dim": 2, "components": 4, "pretraining": 5},
    }
    model = build_model("gm", settings, SIZE)
    require_enough("gm", model, settings | {"epochs": 6}, replace(SIZE, train=4))
    with pytest.raises(UserError, match=words):
        require_enough("gm", model, settings | {"epochs": epochs}, replace(SIZE, train=images))


def test_images_outside_0_to_1_are_refused_before_anything_trains():
    settings = {"model": "ae", "hyperparameters": {"latent_dim": 2}} | {
        key: value for key, value in SETTINGS.items() if key not in ("model", "hyperparameters")
    }
    model = build_model("wide", settings, SIZE)
    model.decode = lambda codes: 3 * type(model).decode(model, codes)
    with pytest.raises(UserError) as caught:
        try_step("wide", model, settings, SIZE)
    assert str(caught.value).startswith("wide: fails when tried on images of 1×28×28: the reconst")
    assert str(caught.value).endswith(
        "not in [0, 1]; end the network with a sigmoid, or cut them by clamp(0, 1)"
    )


def test_the_error_is_that_of_the_image_that_is_shown(few_images):
    """Trained weights may lead where untrained ones did not: there images and error are cut."""
    model = build("ae", 2, few_images.shape).eval()
    model.decode = lambda codes: torch.full((len(codes), *few_images.shape), 3.0)
    taken = snapshot(model, few_images, 0, 4, 2)
    ones = torch.ones(few_images.test_images.shape)
    expected = squared_error(ones, to_unit_interval(few_images.test_images))
    assert torch.equal(taken["squared_error"], expected)
    assert taken["reconstructions"].min() == 255


def test_patience_that_could_never_act_after_pretraining_is_refused():
    settings = SETTINGS | {"model": "gmvae", "epochs": 9, "validation": 0.1}
    settings |= {"hyperparameters": {"latent_dim": 2, "components": 4, "pretraining": 5}}
    model = build_model("gm", settings, SIZE)
    require_trainable("gm", model, settings | {"patience": 4}, SIZE)
    with pytest.raises(UserError) as caught:
        require_trainable("gm", model, settings | {"patience": 5}, SIZE)
    assert str(caught.value) == (
        "gm: patience: found 5, and the first 5 of 9 epochs do not count, by kl_warm_up or "
        "pretraining; allowed: 4 at most"
    )


def test_network_whose_parts_do_not_meet_is_named():
    settings = SETTINGS | {"hyperparameters": {"latent_dim": 2}}
    model = build_model("conv5", settings, SIZE)
    model.decoder[1] = model.decoder[1].__class__(3, 64, 7)
    with pytest.raises(UserError, match=r"^conv5: fails when tried on .*channel"):
        try_step("conv5", model, settings, SIZE)


@pytest.mark.slow
def test_misfit_is_named_before_anything_trains(tmp_path):
    project = copy_project(tmp_path / "project")
    (project / "src" / "latentgrid" / "models" / "misfit.py").write_text(MISFIT, encoding="utf-8")
    entry = {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}
    write_params(project, TINY | {"models": TINY["models"] | {"misfit": entry}})

    done = call(project, "snakemake", "--cores", "2")
    assert done.returncode != 0
    assert (
        "misfit/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0: fails when tried"
        in done.stderr
    )
    assert not list((project / "results").rglob("outcome.json"))
    planned = call(project, "latentgrid", "plan")
    assert planned.stderr.splitlines()[-1].startswith("error: misfit/")
    assert "Traceback" not in done.stderr + planned.stderr

    write_params(project, TINY)
    assert "networks fit images of 1×28×28" in run(project, *PREPARE).stdout
    assert "networks fit" not in run(project, *PREPARE, "--force").stdout


class Kept(models.Model):
    """A model that keeps the contract."""

    terms: ClassVar = {"error": "per image"}
    loss_description: ClassVar = "error"

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def losses(self, batch, generator):
        return {"error": self.weight * batch.images.flatten(1).sum(dim=1)}


class Undescribed(Kept):
    pass


class NoLossDescription(Kept):
    """One without its loss_description."""

    loss_description: ClassVar = ""


class OtherTerms(Kept):
    """One that gives another term than it names."""

    def losses(self, batch, generator):
        return {"mistake": super().losses(batch, generator)["error"]}


class Summed(Kept):
    """One that sums over the batch."""

    def losses(self, batch, generator):
        return {"error": super().losses(batch, generator)["error"].sum()}


class Alone(Kept):
    """One that gives a tensor."""

    def losses(self, batch, generator):
        return super().losses(batch, generator)["error"]


Undescribed.__doc__ = None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Undescribed, "the class needs a docstring"),
        (NoLossDescription, "the class needs a docstring, and `loss_description`"),
        (OtherTerms, "must give the terms error, not mistake"),
        (Summed, "must give error a value per image"),
        (Alone, "must give the terms error, not Tensor"),
    ],
)
def test_model_that_does_not_keep_the_contract_is_named(broken, reason):
    try_step("mine", Kept(), SETTINGS, SIZE)
    with pytest.raises(UserError, match=f"^mine: fails when tried on .*{reason}"):
        try_step("mine", broken(), SETTINGS, SIZE)


class Autoencoder(Kept):
    """One whose methods give what they should."""

    latent_dim = 2

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = torch.nn.Linear(784, 2), torch.nn.Linear(2, 784)

    def encode(self, images):
        return self.encoder(images.flatten(1))

    def decode(self, codes):
        return self.decoder(codes).sigmoid().reshape(-1, 1, 28, 28)

    def sample(self, n, rng):
        return self.decode(torch.randn(n, 2, generator=rng))

    def classify(self, images):
        return torch.full((len(images), 10), 0.1).log()

    def cluster(self, images):
        return torch.full((len(images), 4), 0.25)

    def propose(self, images, draws, rng):
        codes = torch.randn(draws, len(images), 2, generator=rng)
        return codes, self.log_prior(codes)

    def log_prior(self, codes):
        return -codes.square().sum(dim=-1) / 2

    def losses(self, batch, generator):
        return {"error": self.encode(batch.images).sum(dim=1)}


def returning(method, change):
    """Return a model, one of whose methods gives a changed result."""
    model = Autoencoder()
    unchanged = getattr(model, method)
    setattr(model, method, lambda *given: change(unchanged(*given)))
    return model


@pytest.mark.parametrize(
    ("method", "change", "reason"),
    [
        # Compared with the original, three channels give an error three times as large.
        ("decode", lambda x: x.expand(-1, 3, -1, -1), r"reconstruction must give .* 1, 28, 28\)"),
        ("decode", lambda x: x.flatten(1), "reconstruction must give a tensor"),
        ("sample", lambda x: x.flatten(1), r"sample\(\) must give a tensor of shape \(4, 1,"),
        ("sample", lambda x: x[1:], r"not \(3, 1, 28, 28\)"),
        ("sample", lambda x: x * torch.nan, "sample.* not finite"),
        ("sample", lambda x: x.detach().numpy(), "not ndarray"),
        ("encode", lambda x: (x, x), "encode.* not tuple"),
        ("encode", lambda x: x[:, :1], r"encode\(\) must give a tensor of shape \(10, 2\)"),
        ("classify", torch.exp, r"classify.* sum to 1; .* log_softmax"),
        ("classify", lambda x: x.argmax(1), "each of the 10 classes"),
        ("cluster", torch.log, "cluster.* sum to 1"),
        ("propose", lambda both: (both[0], both[1].sum(0)), r"propose.* \(4, 10\), not \(10,\)"),
        ("losses", lambda terms: {"error": 3.0}, "error a value per image"),
        ("losses", lambda terms: {"error": terms["error"].detach()}, "depends on no weight"),
        ("loss", lambda loss: loss.mean().item(), "loss.* must make a scalar tensor"),
        ("batch_loss", lambda loss: loss.expand(10), r"scalar tensor, not \(10,\)"),
    ],
)
def test_a_method_that_gives_another_shape_or_range_is_named(method, change, reason):
    with pytest.raises(UserError, match=f"^mine: fails when tried on .*{reason}"):
        try_step("mine", returning(method, change), SETTINGS, SIZE)


def test_codes_without_a_number_of_dimensions_are_refused():
    """Nothing would keep them, as an `Encoder` has a `latent_dim`."""
    try_step("mine", Autoencoder(), SETTINGS, SIZE)
    model = Autoencoder()
    model.latent_dim = None
    with pytest.raises(UserError, match=r"set self.latent_dim"):
        try_step("mine", model, SETTINGS, SIZE)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("loss", "terms: loss is a column"),
        ("learning_rate", "terms: learning_rate is a column"),
        ("squared_error", "terms: squared_error is a column .* of a measure"),
        ("a,b", "terms: found 'a,b'; allowed"),
        (0, "terms: found 0; allowed"),
    ],
)
def test_a_term_whose_column_is_another_number_is_refused(name, reason):
    model = Kept()
    model.terms = {name: "per image"}
    model.losses = lambda batch, rng: {name: Kept.losses(model, batch, rng)["error"]}
    with pytest.raises(UserError, match=reason):
        try_step("mine", model, SETTINGS, SIZE)


@pytest.mark.parametrize("method", ["corrupt", "encode", "losses"])
def test_a_method_that_changes_the_images_it_is_given_is_refused(method):
    """A denoiser's damaged images would be its targets too, and its error that of no task."""
    model = Autoencoder()
    model.corrupt = lambda images, rng: images / 2
    unchanged = getattr(model, method)

    def in_place(given, *others):
        images = given.images if method == "losses" else given
        images[:, :, ::2] = 0
        return unchanged(given, *others)

    try_step("mine", model, SETTINGS, SIZE)
    setattr(model, method, in_place)
    with pytest.raises(UserError, match=r"changes the images it is given.*images\.clone"):
        try_step("mine", model, SETTINGS, SIZE)


@pytest.mark.parametrize(
    ("constant", "value", "reason"),
    [
        ("annealed", ("kl",), "annealed names kl, which is none of error"),
        ("loss_depends_on", ("betta",), "loss_depends_on names betta, which is none of .*beta"),
        ("ranked_by", "silhouete", "ranked_by names silhouete, which is none of .*silhouette"),
        ("own_rates", ("slow_rate",), "own_rates names slow_rate, which is the rate of no player"),
        ("pretraining", "10", "pretraining is '10'; allowed: a number of epochs"),
    ],
)
def test_a_constant_that_names_nothing_is_refused(constant, value, reason):
    """It would be ignored: runs of several β would be ranked by their losses."""
    model = Autoencoder()
    setattr(model, constant, value)
    with pytest.raises(UserError, match=reason):
        try_step("mine", model, SETTINGS, SIZE)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (lambda model: list(model.parameters()), "groups must be lists of parameters"),
        (lambda model: [model.parameters()], "groups must be lists of parameters"),
        (None, "no weight would move"),
    ],
)
def test_a_player_without_weights_is_refused(groups, reason):
    """An optimizer would take rows of a parameter for parameters, and move none of them."""
    model = Autoencoder()
    model.players = lambda: (
        [models.Player(groups(model), model.losses, model.batch_loss)] if groups else []
    )
    with pytest.raises(UserError, match=reason):
        try_step("mine", model, SETTINGS, SIZE)


@pytest.mark.parametrize("draw", [torch.rand, np.random.rand])
@pytest.mark.parametrize("method", ["initialise", "losses", "sample"])
def test_draws_from_a_generator_that_no_run_has_for_itself_are_refused(method, draw):
    """The weights of all seeds would be the same, and a resumed training would go another way."""
    model = Autoencoder()
    before = getattr(model, method)
    setattr(model, method, lambda *given: (draw(1), before(*given))[1])
    with pytest.raises(
        UserError, match=r"draws from the random generator of PyTorch's|at each call"
    ):
        try_step("mine", model, SETTINGS, SIZE)


class FailsToInitialise(Kept):
    """One whose weights cannot be drawn."""

    def initialise(self, rng):
        raise ValueError("no weights")


class FailsToPrepare(Kept):
    """One that cannot be prepared for an epoch."""

    def before_epoch(self, epoch, images, rng):
        raise ValueError(f"not before epoch {epoch}")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (FailsToInitialise, "ValueError no weights"),
        (FailsToPrepare, "ValueError not before epoch 1"),
    ],
)
def test_model_that_every_job_would_trip_over_is_named(broken, reason):
    with pytest.raises(UserError, match=f"^mine: fails when tried on .*{reason}"):
        try_step("mine", broken(), SETTINGS, SIZE)


@pytest.mark.parametrize(
    ("model", "hyperparameters"),
    [
        ("pca", {"latent_dim": 90}),
        ("vamp_vae", {"latent_dim": 2, "pseudo_inputs": 90}),
        ("gmvae", {"latent_dim": 2, "components": 90, "pretraining": 0}),
    ],
)
def test_model_that_needs_many_images_is_prepared_with_them(model, hyperparameters):
    settings = SETTINGS | {"model": model, "hyperparameters": hyperparameters, "epochs": 1}
    settings["snapshots"] = {}
    try_run("a", settings, SIZE)


@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_flow_of_one_pixel_is_refused(kind):
    flow = {"model": "flow", "hyperparameters": {"kind": kind}}
    with pytest.raises(UserError, match=f"kind: found {kind}, .* one pixel; allowed: linear,"):
        build_model("a", flow, Size(100, 10, (1, 1, 1), 1))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("clas Mine:\n    pass\n", "line 1: is not valid Python"),
        ("", "needs a class with __init__"),
        ("class M:\n    def __init__(self, shape): ...\n", "needs a class with __init__"),
        ("class M:\n    def __init__(self, image_shape, d): ...\n", "d: needs a type"),
        ("class M:\n    def __init__(self, image_shape, d: Size): ...\n", "d: name 'Size' is not"),
        ("class M:\n    def __init__(self, image_shape, d: int = 2**3): ...\n", "default 2 [*][*]"),
        ("class M:\n    def __init__(self, image_shape, *, d: int): ...\n", "may not have [*]"),
    ],
)
def test_model_file_that_cannot_be_read_is_named(tmp_path, monkeypatch, code, reason):
    with_plugin(tmp_path / "extensions", "models", code, monkeypatch)
    with pytest.raises(UserError, match=f"mine.py.*{reason}"):
        catalogue.read_plugins()


def with_plugin(folder, kind, code, monkeypatch):
    (folder / kind).mkdir(parents=True)
    (folder / kind / "mine.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    plugins.choose([str(folder)])


def test_the_class_that_is_trained_is_the_one_whose_hyperparameters_are_read(tmp_path, monkeypatch):
    code = """
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models.vae_bce import VAEBCE

class Heavier(VAEBCE):
    "Inherits its constructor."

class Mine(Heavier):
    "Has one of its own."
    def __init__(self, image_shape, latent_dim: LatentDim) -> None:
        super().__init__(image_shape, latent_dim)
"""
    with_plugin(tmp_path / "own_constructor", "models", code, monkeypatch)
    catalogue.read_plugins()
    assert catalogue.description("mine") == "Has one of its own."
    assert models.load("mine").__name__ == "Mine"


def test_a_class_that_is_no_model_is_trained_by_nobody(tmp_path, monkeypatch):
    code = """
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models.vae_bce import VAEBCE

class Encoder:
    def __init__(self, image_shape, width: PositiveInteger) -> None: ...

class Mine(VAEBCE):
    def __init__(self, image_shape, latent_dim: LatentDim) -> None: ...
"""
    with_plugin(tmp_path / "no_model", "models", code, monkeypatch)
    with pytest.raises(UserError, match=r"needs a class that is a .*Model, and Encoder is none"):
        models.load("mine")


def test_a_file_of_two_optimizers_is_refused(tmp_path, monkeypatch):
    code = """
from latentgrid.training.optimizers import Optimizer

class Base(Optimizer):
    "Shared."

class Mine(Base):
    "Takes steps."
"""
    with_plugin(tmp_path / "two_optimizers", "optimizers", code, monkeypatch)
    with pytest.raises(UserError, match=r"mine.py: needs one class .*, found Base, Mine"):
        optimizers.load("mine")


OPTIMIZER = """
from latentgrid.training.optimizers import Optimizer

class Mine(Optimizer):
    "Takes steps."

    def state(self):
        {state}

    def update(self, gradients):
        {update}
"""
DESCENT = "[p.sub_(g, alpha=self.learning_rate) for p, g in zip(self.parameters, gradients)]"


@pytest.mark.parametrize(
    ("state", "update", "reason"),
    [
        ("return []", "pass", "a step of the optimizer moves no weight"),
        ("return []", "self.parameters = [p - 1 for p in self.parameters]", "moves no weight"),
        ("return [3]", DESCENT, "must return a list of tensors"),
        ("return []", DESCENT, None),
    ],
)
def test_an_optimizer_that_moves_nothing_is_refused(state, update, reason, tmp_path, monkeypatch):
    code = OPTIMIZER.format(state=state, update=update)
    found = tried_with(tmp_path / "moves_nothing", "optimizers", code, monkeypatch, "optimizer")
    assert (reason in found) if reason else found == ""


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        ("0.5", "must return a scalar tensor"),
        ("1 - 2 * epoch / epochs", "gives -0.938 to 1 over 4 epochs"),
        ("epoch * float('nan')", "gives nan to nan"),
        ("epoch * 0", "gives 0 to 0"),
        ("epoch / epochs", None),  # 0 at the first step, and not for ever
    ],
)
def test_a_schedule_that_is_no_share_is_refused(factor, reason, tmp_path, monkeypatch):
    code = f"def factor(epoch, epochs):\n    return {factor}\n"
    found = tried_with(tmp_path / "no_share", "schedules", code, monkeypatch, "schedule")
    assert (reason in found) if reason else found == ""


def tried_with(folder, kind, code, monkeypatch, setting):
    """Try a model with a component of this code; return why it is refused, "" if it is not."""
    for module in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[module]
    with_plugin(folder, kind, code, monkeypatch)
    try:
        try_step("a", Autoencoder(), SETTINGS | {"epochs": 4, setting: "mine"}, SIZE)
    except UserError as error:
        return str(error)
    return ""


def test_draws_that_nothing_repeats_are_refused():
    """NumPy's own new generators have no state that anything else sees."""
    model = Autoencoder()
    model.corrupt = lambda images, rng: torch.from_numpy(
        np.random.default_rng().random(images.shape, np.float32)
    )
    with pytest.raises(UserError, match=r"corrupt\(\) gives something else at each call"):
        try_step("mine", model, SETTINGS, SIZE)


DRAW = "lambda n, rng: self.decode(torch.randn(n, latent_dim, generator=rng))"
SEEN = """
import torch
import latentgrid.models.bases.autoencoder as bases
from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models.bases.autoencoder import Autoencoder, dense_pair

class Mine({base}):
    "An autoencoder."

    def __init__(self, image_shape, latent_dim: LatentDim) -> None:
        super().__init__(latent_dim, *dense_pair(image_shape, latent_dim, 8))
        {line}
"""


@pytest.mark.parametrize(
    ("base", "line", "reason"),
    [
        ("bases.Autoencoder", "", r"encode\(\) is not seen in the file, and is there"),
        ("Autoencoder", f"self.sample = {DRAW}", r"sample\(\) is not seen in the file"),
        ("Autoencoder", "self.loss_ranks = False", "loss_ranks is False, and True in the file"),
    ],
)
def test_what_is_not_seen_by_reading_a_model_is_refused(base, line, reason, tmp_path, monkeypatch):
    """Figures would leave the model out, or rank its runs otherwise, without a word."""
    folder = tmp_path / "seen"
    for module in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[module]
    with_plugin(folder, "models", SEEN.format(base=base, line=line), monkeypatch)
    catalogue.read_plugins()
    settings = SETTINGS | {"model": "mine", "hyperparameters": {"latent_dim": 2}, "epochs": 1}
    with pytest.raises(UserError, match=f"^a: {reason}"):
        try_run("a", settings, SIZE)
