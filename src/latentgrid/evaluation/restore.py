"""A trained run's model, made again from its files."""

from safetensors import SafetensorError
from safetensors.torch import load_file

from latentgrid import models
from latentgrid.errors import UserError
from latentgrid.evaluation.trained import TrainedRun
from latentgrid.models import Model


def restore(run: TrainedRun) -> Model:
    """Return the model with its trained weights, on the CPU and in evaluation mode.

    Raises:
        UserError: the weights are damaged or another network's.
    """
    model = models.build(run.config["settings"], tuple(run.config["image shape"]))
    path = run.files.weights
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{path}: is damaged ({reason}); delete it and run snakemake again"
        ) from None
    return model.eval()
