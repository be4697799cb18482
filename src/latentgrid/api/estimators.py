"""Every model as an estimator of scikit-learn's: a class for each, made of its file's facts.

A class has the name of the model's class, the model's hyperparameters and the settings of a
training, and methods for what the model can do. It is trained by `training.loop`, as a run of the
workflow is: with the same images and settings it has the same weights, to the last bit.
"""

from collections.abc import Callable
from functools import cache
from inspect import Parameter, Signature, cleandoc, signature
from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import ValidationError
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from latentgrid import models
from latentgrid.api import abilities, fitting
from latentgrid.api.abilities import Array
from latentgrid.api.images import MOST, as_codes, as_count
from latentgrid.api.plugins import use_plugins
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.messages import allowed, shown
from latentgrid.models import Model

# What a training of the workflow must be told and an estimator need not.
USUAL = {
    "latent_dim": 2,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "epochs": 20,
    "batch_size": 100,
    "precision": "float32",
}
OF_THE_ESTIMATOR = {"random_state": 0, "image_shape": None}
PRETRAINING = "pretraining"
MAX_CLASSES = 256
MAX_RANGE = float(np.finfo(np.float64).max)


class ParameterError(UserError, ValueError):
    """A wrong parameter; scikit-learn expects a ValueError."""


class Estimator(BaseEstimator):
    """The base class of all estimators.

    X is (n, features), any finite numbers. What lies in [0, 1] is taken as it is. Else one straight
    line maps the smallest value of all X to 0 and the largest to 1, as pixels have one scale, and
    results are mapped back: give features their own scale before, as by a MinMaxScaler. Later X may
    lie outside of that range. The network sees a row as an image: a square one if the number of
    features is a square, else of one row; `image_shape=(channels, height, width)` says otherwise.

    Attributes:
        model_: the trained network, a `latentgrid.models.Model`.
        history_: a row per epoch with the losses of the training images, per image.
        image_shape_: channels, height and width of what the network sees.
        offset_, scale_: X = offset_ + scale_ · what the network sees.
        n_features_in_: the number of features.
    """

    model: ClassVar[str]
    needs_classes: ClassVar[bool] = False
    model_: Model
    history_: pd.DataFrame

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Train a new network on X; y is ignored but by models that are shown classes.

        Raises:
            ParameterError: a parameter is wrong, or the network does not fit X.
        """
        self.__dict__.pop("model_", None)  # what fails leaves no estimator half of each fit
        checked, labels = self._checked(X, y)
        try:
            self.offset_, self.scale_ = _line(checked)
            self.image_shape_ = fitting.image_shape(self.image_shape, self.n_features_in_)
            pixels = self._as_pixels(checked).reshape(-1, *self.image_shape_)
            fitted = fitting.fit(self.model, self._settings(), pixels, labels)
        except UserError as error:
            reason = str(error).removeprefix(f"{self.model}: ")
            raise ParameterError(f"{type(self).__name__}: {reason}") from None
        self.model_, self.history_ = fitted
        return self

    def _checked(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Array | None]:
        """Return checked X, and the labels from 0 on of a model that is shown classes."""
        if not self.needs_classes:
            return validate_data(self, X, dtype=np.float64, ensure_min_samples=2), None
        checked, classes = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(classes)
        self.classes_, labels = np.unique(classes, return_inverse=True)
        if not 1 < len(self.classes_) <= MAX_CLASSES:
            found = f"found {len(self.classes_)} class(es)"
            raise ParameterError(f"{type(self).__name__}: y: {found}; allowed: 2 to {MAX_CLASSES}")
        return checked, labels

    def _settings(self) -> dict[str, Any]:
        """Return the checked settings of the training; those that are None are not set.

        Raises:
            UserError: one of them is wrong.
        """
        given = {name: v for name, v in self.get_params().items() if v is not None}
        given = {name: v for name, v in given.items() if name not in OF_THE_ESTIMATOR}
        schema = catalogue.settings_schema(self.model)
        try:
            settings: dict[str, Any] = schema(**given).model_dump(include={*given})
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            words = allowed(schema.model_fields[name])
            raise UserError(f"{name}: found {shown(given.get(name))}; allowed: {words}") from None
        return settings | {"seed": as_count("random_state", self.random_state, 0)}

    def _as_pixels(self, X: Array) -> Array:
        pixels: Array = (X - self.offset_) / self.scale_
        return pixels

    def _as_images(self, X: ArrayLike) -> Array:
        """Return checked X as the network sees it, float32 (n, c, h, w)."""
        check_is_fitted(self)
        checked = validate_data(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore"):
            pixels = self._as_pixels(checked).astype(np.float32)
        if not np.isfinite(pixels).all():
            reason = f"X: found numbers too far from those of fit, {_span(checked)}"
            raise ParameterError(f"{type(self).__name__}: {reason}")
        return pixels.reshape(-1, *self.image_shape_)

    def _as_rows(self, images: Array) -> Array:
        """Return images as rows in the units of X."""
        rows = images.reshape(-1, self.n_features_in_).astype(np.float64)
        return rows * self.scale_ + self.offset_

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a trained network."""
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know of the estimator."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.needs_classes
        return tags


class Encodes(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Maps rows to codes."""

    def transform(self, X: ArrayLike) -> Array:
        """Map X to codes (n, latent_dim), float32: means where there is a distribution of them."""
        images = self._as_images(X)
        return abilities.encode(self.model_, images)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know of the estimator."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32, whatever X is
        return tags

    @property
    def _n_features_out(self) -> int:
        return int(self.model_.latent_dim)  # type: ignore[arg-type]


class Decodes(Estimator):
    """Maps codes to rows."""

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Map codes (n, latent_dim) to rows in the units of the training data."""
        check_is_fitted(self)
        latent_dim = int(self.model_.latent_dim)  # type: ignore[arg-type]
        return self._as_rows(abilities.decode(self.model_, as_codes(X, latent_dim)))


class Reconstructs(Estimator):
    """Maps rows to their reconstructions."""

    def reconstruct(self, X: ArrayLike) -> Array:
        """Map X to its reconstruction, in the units of X; of a denoiser, to the mended X."""
        images = self._as_images(X)
        return self._as_rows(abilities.reconstruct(self.model_, images))

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Return minus the squared error of the reconstruction, so that more is better.

        The error is Σ(x̂ − x)² over the features, in the units of X, and its mean over the rows.
        """
        again = self.reconstruct(X)
        return -float(np.square(again - np.asarray(X, dtype=np.float64)).sum(axis=1).mean())


class Samples(Estimator):
    """Draws new rows."""

    def sample(self, n_samples: int = 1, random_state: int = 0) -> Array:
        """Draw new rows in the units of the training data; the same seed gives the same rows."""
        check_is_fitted(self)
        n = as_count("n_samples", n_samples, 1, MOST)
        seed = as_count("random_state", random_state, 0)
        return self._as_rows(abilities.sample(self.model_, n, seed))


class Classifies(ClassifierMixin, Estimator):
    """Says to which class a row belongs; `score` is the share that it says rightly."""

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each of `classes_`, (n, classes)."""
        images = self._as_images(X)
        return abilities.classify(self.model_, images)

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable class of each row."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        classes: Array = self.classes_[likeliest]
        return classes


BY_ABILITY = {
    "classify": Classifies,
    "encode": Encodes,
    "decode": Decodes,
    "reconstruct": Reconstructs,
    "sample": Samples,
}


def estimator(model: str) -> type[Estimator]:
    """Return the estimator's class of a model.

    Args:
        model: its name in `params.yaml`, such as vae; also a model of your own, in a folder that
            `plugins:` in the working directory's params.yaml names.

    Raises:
        UserError: there is no such model.
    """
    use_plugins()
    return _made(model)


def called(name: str) -> type[Estimator]:
    """Return the estimator's class of this name, such as VAE.

    Raises:
        AttributeError: no model's class has this name.
    """
    use_plugins()
    for model in catalogue.models():
        if models.load(model).__name__ == name:
            return _made(model)
    raise AttributeError(f"latentgrid has no {name}; its models: {', '.join(class_names())}")


def class_names() -> list[str]:
    """Return the names of all estimators' classes."""
    use_plugins()
    return [models.load(model).__name__ for model in catalogue.models()]


@cache
def _made(model: str) -> type[Estimator]:
    network, able = models.load(model), catalogue.abilities(model)
    bases = tuple(base for ability, base in BY_ABILITY.items() if ability in able) or (Estimator,)
    parameters = _parameters(model)
    body = {
        "__doc__": _docstring(model, parameters),
        "__init__": _constructor(parameters),
        "__module__": "latentgrid",
        "model": model,
        "needs_classes": "classes" in signature(network).parameters,
    }
    return type(network.__name__, bases, body)


def _parameters(model: str) -> list[Parameter]:
    """Return the parameters of an estimator's constructor, all of them keywords."""
    fields = catalogue.settings_schema(model).model_fields
    defaults: dict[str, Any] = {
        name: USUAL.get(name, Parameter.empty) if field.is_required() else field.default
        for name, field in fields.items()
    }
    if PRETRAINING in defaults:  # of which a training needs more epochs
        defaults["epochs"] += defaults[PRETRAINING]
    defaults |= OF_THE_ESTIMATOR
    return [Parameter(name, Parameter.KEYWORD_ONLY, default=v) for name, v in defaults.items()]


def _constructor(parameters: list[Parameter]) -> Callable[..., None]:
    """Return a constructor that keeps what it is given, as scikit-learn wants it."""
    itself = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    taken = Signature([itself, *parameters])

    def __init__(*args: Any, **given: Any) -> None:  # noqa: N807
        bound = taken.bind(*args, **given)
        bound.apply_defaults()
        estimator, *values = bound.arguments.values()
        for parameter, value in zip(parameters, values, strict=True):
            setattr(estimator, parameter.name, value)

    __init__.__signature__ = taken  # type: ignore[attr-defined]
    return __init__


def _docstring(model: str, parameters: list[Parameter]) -> str:
    fields = catalogue.settings_schema(model).model_fields
    told = [one.name for one in parameters if one.name in fields]
    lines = [
        *(catalogue.description(model), "", "Args:"),
        *(f"    {name}: {allowed(fields[name])}" for name in told),
        "    random_state: the seed of all draws, a whole number",
        "    image_shape: channels, height and width of a row; None for a square or one row",
    ]
    about = cleandoc(Estimator.__doc__ or "").partition("\n\n")[2]
    return "\n".join([*lines, "", about])


def _line(X: Array) -> tuple[float, float]:
    """Return offset and scale that map X into [0, 1]; 0 and 1 if it lies there.

    Raises:
        UserError: the range of X is more than a float can hold.
    """
    low, high = float(X.min()), float(X.max())
    if 0 <= low <= high <= 1:
        return 0.0, 1.0
    if not isfinite(high - low):
        raise UserError(f"X: found {_span(X)}; allowed: a range below {MAX_RANGE:.4g}")
    return low, (high - low) or 1.0


def _span(X: Array) -> str:
    return f"from {X.min():.4g} to {X.max():.4g}"
