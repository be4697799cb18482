"""Writes the encoder and decoder of a run as ONNX, after checking that ONNX Runtime agrees."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latentgrid.api import abilities
from latentgrid.api.abilities import Array
from latentgrid.api.runs import Run
from latentgrid.errors import UserError, one_line
from latentgrid.extras import named_extras
from latentgrid.files.atomic import replacing
from latentgrid.models import Decoder, Encoder
from latentgrid.randomness import random_generator

TRIED = 16  # inputs on which both are compared; the graph is traced with fewer, of another number
TRACED = 3
TOLERANCE = 1e-4  # of the largest value: float32, whose sums each library orders its own way


class Method(nn.Module):
    """A method of a model as a module, which is what PyTorch exports."""

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__()
        self.model, self.name = model, name

    def forward(self, values: Tensor) -> Tensor:
        """Return what the method returns."""
        result: Tensor = getattr(self.model, self.name)(values)
        return result


def export_encoder(run: Run, path: Path) -> float:
    """Write the graph from `images` (n, c, h, w) in [0, 1] to `codes` (n, d).

    Returns:
        How far ONNX Runtime's codes are from ours at most, over the largest of ours.

    Raises:
        UserError: the model does not encode, has no ONNX form, or the two disagree.
    """
    if not isinstance(run.model, Encoder):
        raise abilities.unable(run.model, "encode")
    draws = random_generator(0, "export")
    images = torch.rand(TRIED, *run.image_shape, generator=draws).numpy()
    return _export(run, "encode", {"images": images}, "codes", path)


def export_decoder(run: Run, path: Path) -> float:
    """Write the graph from `codes` (n, d) to `images` (n, c, h, w) in [0, 1].

    Returns:
        How far ONNX Runtime's images are from ours at most, over the largest value of ours.

    Raises:
        UserError: the model does not decode, has no ONNX form, or the two disagree.
    """
    if not isinstance(run.model, Decoder):
        raise abilities.unable(run.model, "decode")
    draws = random_generator(0, "export")
    codes = torch.randn(TRIED, run.model.latent_dim, generator=draws).numpy()
    return _export(run, "decode", {"codes": codes}, "images", path)


def _export(run: Run, method: str, given: dict[str, Array], result: str, path: Path) -> float:
    ((name, values),) = given.items()
    with named_extras():
        import onnxruntime

        with replacing(path) as part:
            _write(Method(run.model, method), values[:TRACED], name, result, part)
            session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
            (found,) = session.run([result], {name: values})
            ours: Array = getattr(run, method)(values)
            distance = float(np.abs(found - ours).max() / max(np.abs(ours).max(), 1e-30))
            if not distance <= TOLERANCE:
                raise UserError(
                    f"{path}: ONNX Runtime's {result} differ from ours by {distance:.1e} of the "
                    f"largest value; allowed: {TOLERANCE:.0e}; nothing was written"
                )
    return distance


def _write(module: Method, values: Array, name: str, result: str, part: Path) -> None:
    """Write the graph of a module, for any number of values."""
    import onnx  # noqa: F401 - the exporter needs it, and names it less plainly

    axes = {name: {0: "n"}, result: {0: "n"}}
    try:
        torch.onnx.export(
            module.eval(),
            (torch.from_numpy(values),),
            str(part),
            input_names=[name],
            output_names=[result],
            dynamic_axes=axes,
            dynamo=False,
        )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        model = type(module.model).__name__
        raise UserError(f"{model}: {module.name} has no form in ONNX ({one_line(error)})") from None
