"""Lists the models with their hyperparameters, then what may be set for a training of any."""

from collections.abc import Iterable, Mapping

from pydantic.fields import FieldInfo
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from latentgrid.commands.listing import indented
from latentgrid.errors import printable
from latentgrid.grid import catalogue
from latentgrid.grid.hyperparameters import MAX_INTEGER
from latentgrid.grid.messages import allowed

INTRODUCTION = (
    "What may stand below `models:` in params.yaml. Sizes such as 784 are those of MNIST's 28 × 28 "
    "pixels; a network has those of your images. d is latent_dim."
)
OF_THE_TRAINING = {
    "optimizer": "what takes the steps, in each entry",
    "learning_rate": "the size of a step, in each entry",
    "epochs": "passes over the training images",
    "batch_size": "images per step",
    "precision": "what products and convolutions are computed in",
}
OPTIONS = {
    "validation": "the share of the training images that is held out",
    "schedule": "what the learning rate does in the course of the training",
    "warm_up": "epochs in which the learning rate rises evenly to its value",
    "weight_decay": "what each step takes off every weight, as a share, times the learning rate",
    "clip_norm": "the length to which a longer gradient is cut",
    "patience": "epochs without a smaller loss on the held out images after which a run ends, "
    "after those of kl_warm_up and pretraining",
    "kl_warm_up": "epochs in which the weight of the KL divergence rises from 0 to its value",
}
TRAINING_HEADING = "The training of a model, in its entry or, for all, below `training:`"
OPTIONS_HEADING = "Options of a training, each off unless an entry sets it"
OF_A_PLAYER = "the learning rate of this player alone"
FieldsOf = Mapping[str, Mapping[str, FieldInfo]]


def show_models(console: Console, described: Mapping[str, str]) -> None:
    """Print each model with its hyperparameters, and then the training's keys and options.

    Args:
        console: where to.
        described: where studies describe each model.
    """
    console.print(INTRODUCTION, highlight=False, markup=False)
    for model in catalogue.models():
        console.print()
        heading = Text.assemble((model, "bold"), f"  {catalogue.description(model)}")
        console.print(heading, highlight=False)
        if model in described:
            console.print(indented(f"from {described[model]}"))
        own = catalogue.model_hyperparameters(model)
        fields = catalogue.settings_schema(model).model_fields
        console.print(_rows((name, _own_value(fields[name])) for name in own))
    _show_trainings(console)


def _show_trainings(console: Console) -> None:
    """Print the keys of a training, once for all models, with the models that have or lack each."""
    fields_of = {model: _of_training(model) for model in catalogue.models()}
    players = {name for model in fields_of for name in catalogue.said(model, "own_rates")}
    options = OPTIONS | dict.fromkeys(sorted(players), OF_A_PLAYER)
    for heading, meanings in ((TRAINING_HEADING, OF_THE_TRAINING), (OPTIONS_HEADING, options)):
        console.print()
        console.print(Text(heading, style="bold"))
        rows = [
            (name, f"{meaning}: {_values(name, fields_of)}{_which(name, fields_of)}")
            for name, meaning in meanings.items()
        ]
        console.print(_rows(rows))


def _of_training(model: str) -> dict[str, FieldInfo]:
    """Return the fields of a model's training, which are none of its own hyperparameters."""
    own = catalogue.model_hyperparameters(model)
    fields = catalogue.settings_schema(model).model_fields
    return {name: field for name, field in fields.items() if name not in own}


def _values(name: str, fields_of: FieldsOf) -> str:
    """Return what a key may be set to: of most models, then of those where it is otherwise."""
    models_of: dict[str, list[str]] = {}
    for model, fields in fields_of.items():
        if name in fields:
            models_of.setdefault(_allowed(fields[name]), []).append(model)
    usual, *others = sorted(models_of, key=lambda values: -len(models_of[values]))
    return "; ".join([usual, *(f"of {', '.join(models_of[other])}: {other}" for other in others)])


def _which(name: str, fields_of: FieldsOf) -> str:
    """Return the models that have a key or, if there are fewer, those that lack it."""
    having = [model for model, fields in fields_of.items() if name in fields]
    lacking = [model for model in fields_of if model not in having]
    if not lacking:
        return ""
    if len(lacking) < len(having):
        return f"; not for {', '.join(lacking)}"
    return f"; for {', '.join(having)} alone"


def _allowed(field: FieldInfo) -> str:
    return allowed(field).removesuffix(f", {MAX_INTEGER} at most")


def _own_value(field: FieldInfo) -> str:
    if field.is_required():
        return f"{_allowed(field)}; must be set"
    default = "not set" if field.default is None else str(field.default)
    return f"{_allowed(field)}; {default.lower()} by default"


def _rows(rows: Iterable[tuple[str, str]]) -> Padding:
    """Return names with what is said of each, and longer texts below themselves."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, said in rows:
        table.add_row(Text(name), Text(printable(said)))
    return indented(table)
