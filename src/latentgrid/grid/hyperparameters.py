"""The types that models and training use for their hyperparameters.

A model's constructor is annotated with these, `params.yaml` is checked against them, and a wrong
value is refused with the description given here. The module imports neither torch nor any model,
so that the Snakefile can read it at no cost.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Integer = Annotated[int, BeforeValidator(_no_truth_value)]
Real = Annotated[float, BeforeValidator(_no_truth_value), Field(allow_inf_nan=False)]

MOST = 2**31 - 1
PositiveInteger = Annotated[
    Integer, Field(ge=1, le=MOST, description=f"a whole number, 1 or more, {MOST} at most")
]
LatentDim = Annotated[Integer, Field(ge=1, le=4096, description="a whole number from 1 to 4096")]
PositiveReal = Annotated[Real, Field(gt=0, description="a number above 0")]
LearningRate = Annotated[Real, Field(gt=0, le=10, description="a number above 0, 10 at most")]
Optimizer = Annotated[
    Literal["adadelta", "adam", "adam_gan", "rmsprop"],
    Field(description="adadelta, adam, adam_gan, rmsprop"),
]
# The same for models whose source applied one optimizer to two networks in turn.
OptimizerOf000 = Annotated[
    Literal["adadelta", "adam", "adam_000", "adam_gan", "rmsprop"],
    Field(description="adadelta, adam, adam_000, adam_gan, rmsprop"),
]
Flag = Annotated[bool, Field(strict=True, description="true, false")]
Precision = Annotated[Literal["float32", "bfloat16"], Field(description="float32, bfloat16")]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="auto, cpu, cuda")]
