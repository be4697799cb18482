"""Models as scikit-learn's estimators."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.exceptions import NotFittedError

import latentgrid as lg
from latentgrid.errors import UserError
from latentgrid.grid import plugins
from trained import SETTINGS, train

TINY = {"epochs": 1, "hidden": 4}
ONE_FEATURE = "two latent dimensions of one feature are refused, in our own words"


@pytest.fixture(scope="module")
def x(few_images):
    return few_images.train_images.flatten(1).numpy() / 255


@pytest.mark.parametrize(
    ("name", "parameters", "failing"),
    [
        ("PCA", {}, {"check_fit2d_1feature": ONE_FEATURE}),
        ("AE", TINY, {}),
        ("VAEBCE", TINY, {}),
        ("GAN", TINY, {}),
    ],
)
def test_the_checks_of_scikit_learn_hold(name, parameters, failing):
    from sklearn.utils.estimator_checks import check_estimator

    done = check_estimator(
        getattr(lg, name)(**parameters), expected_failed_checks=failing, on_skip=None
    )
    assert len(done) > 35
    failed = {check["check_name"] for check in done if check["status"] == "xfail"}
    assert failed == {*failing}


def test_it_is_trained_as_a_run_is_to_the_last_bit(tmp_path, few_images, x):
    weights = load_file(train(tmp_path, few_images, "vae", latent_dim=2) / "weights.safetensors")
    vae = lg.VAE(latent_dim=2, epochs=2, batch_size=20, random_state=SETTINGS["seed"]).fit(x)
    found = vae.model_.state_dict()
    assert found.keys() == weights.keys()
    assert all(found[name].equal(weights[name]) for name in weights)


def test_values_keep_their_units():
    rng = np.random.default_rng(0)
    x = rng.normal(20, 5, (40, 6))
    pca = lg.PCA(latent_dim=6).fit(x)
    assert np.allclose(pca.inverse_transform(pca.transform(x)), x, atol=1e-4)
    assert (pca.offset_, pca.scale_) == (x.min(), np.ptp(x))
    assert -1e-6 < pca.score(x) <= 0
    one = lg.PCA(latent_dim=1).fit(x)
    expected = np.square(one.reconstruct(x) - x).sum(axis=1).mean()
    assert one.score(x) == pytest.approx(-expected)
    unscaled = lg.PCA(latent_dim=1).fit((x - x.min()) / np.ptp(x))
    assert (unscaled.offset_, unscaled.scale_) == (0, 1)


def test_samples_are_rows_in_the_units_of_the_data():
    x = np.random.default_rng(0).normal(20, 5, (40, 6))
    vae = lg.VAE(epochs=1).fit(x)
    rows = vae.sample(7, random_state=3)
    assert rows.shape == (7, 6)
    assert ((x.min() - 1e-4 <= rows) & (rows <= x.max() + 1e-4)).all()
    assert np.array_equal(rows, vae.sample(7, random_state=3))
    assert not np.array_equal(rows, vae.sample(7))


def test_it_is_searched_and_piped_as_others_are(x):
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    piped = make_pipeline(MinMaxScaler(), lg.PCA())
    found = GridSearchCV(piped, {"pca__latent_dim": [1, 5]}, cv=2).fit(x[:, 100:200])
    assert found.best_params_ == {"pca__latent_dim": 5}
    frame = lg.PCA(latent_dim=2).set_output(transform="pandas").fit_transform(x)
    assert list(frame.columns) == ["pca0", "pca1"]


def test_a_classifier_and_a_model_that_is_shown_classes(x, few_images):
    y = np.array(list("abcdefghij"))[few_images.train_labels.numpy()]
    judge = lg.LeNet5(epochs=2, batch_size=20, learning_rate=0.002).fit(x, y)
    assert {*judge.predict(x)} <= {*y}
    assert np.allclose(judge.predict_proba(x).sum(axis=1), 1, atol=1e-5)
    assert judge.score(x, y) == (judge.predict(x) == y).mean()
    assert not hasattr(judge, "sample")
    gan = lg.ConditionalGAN(hidden=4, epochs=1)
    with pytest.raises(ValueError, match="requires y to be passed"):
        gan.fit(x)
    assert gan.fit(x, y).sample(3).shape == (3, 784)


def test_each_model_has_what_it_can_do():
    assert not hasattr(lg.GAN(), "transform")
    assert hasattr(lg.GAN(), "inverse_transform")
    assert not hasattr(lg.PCA(), "sample")
    assert not hasattr(lg.PCA(), "epochs")
    assert lg.estimator("conv_vae") is lg.ConvVAE
    assert "latent_dim: a whole number from 1 to 4096" in lg.ConvVAE.__doc__
    assert repr(lg.VAE(latent_dim=3)) == "VAE(latent_dim=3)"


def test_no_estimator_is_half_fitted(x):
    for method in ("transform", "reconstruct", "score", "sample"):
        with pytest.raises(NotFittedError):
            getattr(lg.VAE(), method)(x)
    vae = lg.VAE(epochs=1).fit(x)
    with pytest.raises(ValueError, match="latent_dim: found 0"):
        vae.set_params(latent_dim=0).fit(x * 100)
    with pytest.raises(NotFittedError):  # and not the old network with the new units
        vae.sample()


def test_numbers_that_overflow_are_refused(x):
    low, high = -1.7e308, 1.7e308
    with pytest.raises(UserError, match=r"PCA: X: found from -1.7e\+308 to 1.7e\+308; allowed"):
        lg.PCA().fit(np.where(x > 0.5, high, low))
    pca = lg.PCA().fit(x)
    with pytest.raises(UserError, match="PCA: X: found numbers too far from those of fit"):
        pca.transform(x * 1e300)
    with pytest.raises(UserError, match=r"codes: found numbers from 1e.300 to 1e.300; allowed"):
        pca.inverse_transform(np.full((1, 2), 1e300))
    with pytest.raises(UserError, match=r"n_samples: found 10.*; allowed: .* from 1 to 2147483647"):
        lg.VAE(epochs=1).fit(x).sample(10**20)


def test_what_the_caller_set_for_torch_changes_nothing(x):
    def fitted():
        vae = lg.VAE(epochs=1).fit(x)
        return vae.transform(x), vae.sample(2)

    expected = fitted()
    torch.set_default_dtype(torch.float64)
    try:
        assert all(map(np.array_equal, fitted(), expected))
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.no_grad(), torch.device("meta"), torch.autocast("cpu"):
        assert all(map(np.array_equal, fitted(), expected))
    with torch.inference_mode():
        assert all(map(np.array_equal, fitted(), expected))


def test_the_defaults_of_each_model_fit_together():
    rows = np.random.default_rng(0).random((20, 4))
    assert len(lg.GMVAE().fit(rows).history_) == 70


REFUSED = [
    ({"image_shape": (True, 28, 28)}, "image_shape: found .True, 28, 28.; allowed: "),
    ({"latent_dim": 0}, "VAE: latent_dim: found 0; allowed: a whole number from 1 to 4096"),
    ({"optimizer": "newton"}, "optimizer: found 'newton'; allowed: adadelta, "),
    ({"random_state": None}, "random_state: found nothing"),
    ({"image_shape": (1, 7, 7)}, r"image_shape: found \(1, 7, 7\), 49 values; X has 784 features"),
    ({"image_shape": 28}, "image_shape: found 28; allowed: "),
    ({"epochs": 1, "warm_up": 2}, "VAE: warm_up: found 2, more epochs than a run has"),
    ({"patience": 1}, "VAE: patience: found 1 without images to validate on"),
    ({"epochs": 2, "patience": 5, "validation": 0.2}, "VAE: patience: found 5, more epochs"),
    ({"weight_decay": 3000.0}, "VAE: weight_decay: found 3000.0 with learning_rate 0.001"),
    ({"validation": 0.999}, "VAE: validation: found 0.999, which leaves none of the 70 training"),
    ({"optimizer": "sgd", "learning_rate": 10, "epochs": 2}, "VAE: diverged, .* lower learning"),
]


@pytest.mark.parametrize(("parameters", "reason"), REFUSED)
def test_wrong_parameters_are_refused(parameters, reason, x):
    with pytest.raises(UserError, match=reason) as refused:
        lg.VAE(**parameters).fit(x)
    assert isinstance(refused.value, ValueError)


def test_a_network_that_does_not_fit_is_refused():
    with pytest.raises(UserError, match="ConvVAE: fails when tried on images of 1×1×6"):
        lg.ConvVAE(epochs=1).fit(np.random.default_rng(0).random((9, 6)))


def test_unknown_names_are_told():
    with pytest.raises(TypeError, match="unexpected keyword argument 'lr'"):
        lg.VAE(lr=1)
    with pytest.raises(AttributeError, match="no Vae; its models: AAE, AE"):
        _ = lg.Vae
    with pytest.raises(UserError, match="nae: unknown; allowed models: aae, ae"):
        lg.estimator("nae")


def test_options_of_a_training_are_parameters(x):
    vae = lg.VAE(epochs=2, validation=0.5, patience=2, schedule="cosine").fit(x)
    assert {"validation_loss", "train_learning_rate"} <= {*vae.history_}
    assert lg.VAE(epochs=1, precision="bfloat16", kl_warm_up=1).fit(x).score(x) < 0


def test_torch_is_left_as_it_was(x):
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    lg.VAE(epochs=1).fit(x)
    assert torch.get_num_threads() == threads
    assert torch.get_rng_state().equal(state)
    assert torch.tensor(1e-40) * 1 > 0  # denormal numbers are not flushed


def test_fits_in_threads_are_those_of_one_after_another(x):
    def fitted(seed):
        return lg.VAE(epochs=1, random_state=seed).fit(x).transform(x)

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fitted, range(8)))
    assert all(map(np.array_equal, found, map(fitted, range(8))))
    assert torch.get_num_threads() == threads
    assert torch.get_rng_state().equal(state)


MINE = '''"""A model of a user's."""

from latentgrid.grid.hyperparameters import LatentDim, PositiveReal
from latentgrid.models import ImageShape
from latentgrid.models.bases.autoencoder import Autoencoder, dense_pair


class MyAE(Autoencoder):
    """An autoencoder of the user's."""

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim, slope: PositiveReal) -> None:
        super().__init__(latent_dim, *dense_pair(image_shape, latent_dim, 4))
'''


def test_a_model_of_your_own_is_an_estimator_too(tmp_path, monkeypatch, x):
    (tmp_path / "mymodels/models").mkdir(parents=True)
    (tmp_path / "mymodels/models/my_ae.py").write_text(MINE)
    (tmp_path / "params.yaml").write_text("plugins: [mymodels]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.CHOSEN, "")  # what the call chooses is forgotten at the end
    with pytest.raises(TypeError, match="missing a required argument: 'slope'"):
        lg.MyAE()
    mine = lg.MyAE(slope=1, epochs=1).fit(x)
    assert np.array_equal(pickle.loads(pickle.dumps(mine)).transform(x), mine.transform(x))  # noqa: S301
