"""The invertible layers of normalizing flows, in five kinds; three are zuko's own networks.

A flow is a stack of lazy transforms as zuko has them: called without an argument, it gives a
transform with `call_and_ladj`, which maps (n, D) to (n, D) and log│det J│ (n,), in nats.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from itertools import pairwise

import torch
import zuko
from torch import Tensor, nn
from torch.distributions import Transform, constraints
from torch.nn import functional
from zuko.flows import GeneralCouplingTransform
from zuko.lazy import LazyComposedTransform, LazyTransform
from zuko.transforms import (
    AutoregressiveTransform,
    CouplingTransform,
    DependentTransform,
    LULinearTransform,
    MonotonicRQSTransform,
)

from latentgrid.errors import UserError

NEARLY_ZERO = 0.01
BINS = 8  # of a spline: zuko's number, and that of Durkan et al. (2019) on images
CONTRACTION = 0.9  # the Lipschitz constant of a residual branch (Behrmann et al. 2019, table 1)
SQUARINGS = 5
MAX_ITERATIONS = 400  # 0.9^400 is far below the rounding of double precision


class KnownCoupling(CouplingTransform):  # type: ignore[misc]
    """zuko's affine coupling, told which dimensions it keeps and which it changes."""

    def __init__(self, meta: Callable[[Tensor], Transform], kept: Tensor, changed: Tensor) -> None:
        Transform.__init__(self)
        self.meta, self.idx_a, self.idx_b = meta, kept, changed


class CouplingLayer(GeneralCouplingTransform):  # type: ignore[misc]
    """zuko's layer of RealNVP, which finds its indices once.

    zuko counts the true values of its mask at each call, and would wait for the GPU to do so.
    """

    def __init__(self, dimensions: int, mask: Tensor, hidden: Sequence[int]) -> None:
        super().__init__(dimensions, mask=mask, hidden_features=hidden)
        self.register_buffer("kept", mask.nonzero().squeeze(1), persistent=False)
        self.register_buffer("changed", (~mask).nonzero().squeeze(1), persistent=False)

    def forward(self, c: Tensor | None = None) -> Transform:
        """Return the transform."""
        return KnownCoupling(partial(self.meta, c), self.kept, self.changed)


class LinearTransform(LULinearTransform):  # type: ignore[misc]
    """zuko's x ↦ LUx, with an inverse that takes less memory; the diagonal of U is 1."""

    def _inverse(self, y: Tensor) -> Tensor:
        """Return U⁻¹L⁻¹y, (n, D); zuko's would copy both matrices for each of the n rows."""
        solved = torch.linalg.solve_triangular(self.L, y.mT, upper=False)
        x: Tensor = torch.linalg.solve_triangular(self.U, solved, upper=True, unitriangular=True).mT
        return x


class LinearLayer(LazyTransform):  # type: ignore[misc]
    """An invertible matrix in the form LU (Kingma and Dhariwal 2018, "Glow", section 3.2).

    log│det J│ = Σ log│L_jj│. Any number of such layers is one matrix, so that a flow of them is a
    Gaussian with any covariance. Without permutation, as Glow's is drawn once and then fixed.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.lu = nn.Parameter(torch.eye(dimensions))

    def initialise(self, rng: torch.Generator) -> None:
        """Draw L and U nearly I."""
        size = len(self.lu)
        noise = torch.empty_like(self.lu).normal_(std=NEARLY_ZERO / size**0.5, generator=rng)
        with torch.no_grad():
            self.lu.copy_(torch.eye(size) + noise)

    def forward(self, c: Tensor | None = None) -> Transform:
        """Return the transform."""
        return LinearTransform(self.lu)


class ElementwiseLayer(LazyTransform):  # type: ignore[misc]
    """A monotonic function of each dimension alone: a rational-quadratic spline on [−5, 5].

    Durkan, Bekasov, Murray and Papamakarios (2019), "Neural spline flows", section 3.1, with
    parameters in place of a network; x ↦ x beyond. Both directions and J are closed forms. A flow
    of such layers has independent dimensions.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.widths = nn.Parameter(torch.zeros(dimensions, BINS))
        self.heights = nn.Parameter(torch.zeros(dimensions, BINS))
        self.slopes = nn.Parameter(torch.zeros(dimensions, BINS - 1))

    def initialise(self, rng: torch.Generator) -> None:
        """Draw splines that are nearly x ↦ x."""
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=NEARLY_ZERO, generator=rng)

    def forward(self, c: Tensor | None = None) -> Transform:
        """Return the transform."""
        spline = MonotonicRQSTransform(self.widths, self.heights, self.slopes)
        transform: Transform = DependentTransform(spline, 1)
        return transform


class ResidualTransform(Transform):
    """x ↦ x + g(x), where g is a contraction of some hidden layers (see `ResidualLayer`)."""

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        super().__init__()
        self.weights, self.biases = weights, biases

    def _call(self, x: Tensor) -> Tensor:
        return x + self.branch(x)

    def branch(self, x: Tensor) -> Tensor:
        """Return g(x), (n, D)."""
        hidden = functional.linear(x, self.weights[0], self.biases[0])
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            hidden = functional.linear(functional.elu(hidden), weight, bias)
        return hidden

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x + g(x), (n, D), and log det J, (n,).

        With W_i the weights and D_i the activations' slopes, J = I + W_k·P·W_1, where
        P = D_{k−1}·W_{k−1} … W_2·D_1. By Weinstein and Aronszajn det J = det(I + W_1·W_k·P) too,
        whose side is the number of hidden units; the smaller of both is taken.
        """
        first, *middle, last = self.weights
        hidden, dimensions = first.shape
        sums = functional.linear(x, first, self.biases[0])
        right = first if dimensions <= hidden else torch.eye(hidden, dtype=x.dtype, device=x.device)
        slopes = elu_slope(sums)[:, :, None] * right
        for weight, bias in zip(middle, self.biases[1:-1], strict=True):
            sums = functional.linear(functional.elu(sums), weight, bias)
            slopes = elu_slope(sums)[:, :, None] * (weight @ slopes)
        moved = (last if dimensions <= hidden else first @ last) @ slopes
        # A determinant in lower precision than float32 is refused.
        with torch.autocast(x.device.type, enabled=False):
            identity = torch.eye(moved.shape[1], dtype=x.dtype, device=x.device)
            log_determinant = torch.linalg.slogdet(identity + moved.to(x.dtype)).logabsdet
        return x + functional.linear(functional.elu(sums), last, self.biases[-1]), log_determinant

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return log det J, (n,)."""
        return self.call_and_ladj(x)[1]

    def _inverse(self, y: Tensor) -> Tensor:
        """Return the fixed point of x ↦ y − g(x), to which each pass is nearer by `CONTRACTION`."""
        x = y
        for _ in range(MAX_ITERATIONS):
            before, x = x, y - self.branch(x)
            if torch.equal(before, x):
                break
        return x


class ResidualLayer(LazyTransform):  # type: ignore[misc]
    """x ↦ x + g(x) with a dense network g that brings points nearer to each other.

    Behrmann, Grathwohl, Chen, Duvenaud and Jacobsen (2019), "Invertible residual networks": g has
    ELU and the Lipschitz constant `CONTRACTION` at most, by weights that are divided by their
    spectral norm where it is too large, so that the inverse is a fixed point. They estimate that
    norm by power iteration, and log det J by a series; here it is bounded from above
    (`spectral_bound`) and log det J is exact, by a determinant whose side is the number of hidden
    units where these are fewer than the dimensions. It takes hidden³ operations an image.
    """

    def __init__(self, dimensions: int, hidden: int, layers: int) -> None:
        super().__init__()
        sizes = [dimensions, *[hidden] * layers, dimensions]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers of g."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def initialise(self, rng: torch.Generator) -> None:
        """Draw Glorot's weights, nearly zero in the last layer: x + g(x) is nearly x."""
        _initialise_layers(self.linear, rng)

    def forward(self, c: Tensor | None = None) -> Transform:
        """Return the transform, with weights that make g a contraction."""
        allowed = CONTRACTION ** (1 / len(self.layers))
        weights = [layer.weight for layer in self.linear]
        shrunk = [w * (allowed / spectral_bound(w)).clamp(max=1) for w in weights]
        return ResidualTransform(shrunk, [layer.bias for layer in self.linear])


def elu_slope(sums: Tensor) -> Tensor:
    """Return ELU's derivative, 1 above zero and exp(a) below."""
    return sums.clamp(max=0).exp()


def spectral_bound(weight: Tensor) -> Tensor:
    """Return an upper bound of the largest singular value of a matrix, a scalar.

    (‖G^p‖_F)^(1/2p) of the smaller Gram matrix G with p = 2^`SQUARINGS`: at most m^(1/4p) times too
    large, m being G's side, here 4 % at m = 256 (Delattre et al. 2023, "Efficient bound of
    Lipschitz constant for convolutional layers by Gram iteration", theorem 1). Unlike power
    iteration it errs to the safe side, and it keeps no state.
    """
    wide = weight.shape[0] <= weight.shape[1]
    gram = weight @ weight.mT if wide else weight.mT @ weight
    log_norm = torch.zeros_like(gram[0, 0])
    for squaring in range(SQUARINGS):
        # Scaled to the norm 1, so that no power under- or overflows.
        norm = torch.linalg.matrix_norm(gram)
        log_norm = log_norm + norm.log() / 2**squaring
        gram = (gram / norm) @ (gram / norm)
    log_norm = log_norm + torch.linalg.matrix_norm(gram).log() / 2**SQUARINGS
    bound: Tensor = (log_norm / 2).exp()
    return bound


def coupling(dimensions: int, transforms: int, hidden: int, depth: int) -> list[LazyTransform]:
    """Return zuko's layers of RealNVP: each changes the dimensions that the one before kept."""
    return [
        CouplingLayer(dimensions, torch.arange(dimensions) % 2 == i % 2, [hidden] * depth)
        for i in range(transforms)
    ]


def autoregressive(
    dimensions: int, transforms: int, hidden: int, depth: int
) -> list[LazyTransform]:
    """Return zuko's layers of MAF, which alternate between two orders of the dimensions."""
    # Building one's masks can take seconds.
    two = zuko.flows.MAF(dimensions, transforms=2, hidden_features=[hidden] * depth)
    return [deepcopy(two.transform.transforms[i % 2]) for i in range(transforms)]


LAYERS: dict[str, Callable[[int, int, int, int], list[LazyTransform]]] = {
    "coupling": coupling,
    "autoregressive": autoregressive,
    "linear": lambda d, transforms, hidden, depth: [LinearLayer(d) for _ in range(transforms)],
    "elementwise": lambda d, transforms, hidden, depth: [
        ElementwiseLayer(d) for _ in range(transforms)
    ],
    "residual": lambda d, transforms, hidden, depth: [
        ResidualLayer(d, hidden, depth) for _ in range(transforms)
    ],
}
# Kinds whose layers change some dimensions by what the others are.
BY_OTHERS = ("coupling", "autoregressive")


def build(
    kind: str, dimensions: int, transforms: int, hidden: int, depth: int
) -> LazyComposedTransform:
    """Return a flow of one kind on D dimensions.

    Args:
        kind: a name in `LAYERS`.
        dimensions: D.
        transforms: the number of invertible layers.
        hidden: the number of units in each hidden layer of their networks, if they have any.
        depth: the number of these hidden layers.

    Raises:
        UserError: the kind changes dimensions by others, and there is only one.
    """
    if dimensions == 1 and kind in BY_OTHERS:
        others = ", ".join(other for other in LAYERS if other not in BY_OTHERS)
        raise UserError(
            f"kind: found {kind}, which changes pixels by others, for images of one pixel; "
            f"allowed: {others}"
        )
    return LazyComposedTransform(*LAYERS[kind](dimensions, transforms, hidden, depth))


def initialise(flow: LazyComposedTransform, rng: torch.Generator) -> None:
    """Draw the weights of all networks, so that the flow is nearly x ↦ x."""
    for transform in flow.transforms:
        if hasattr(transform, "initialise"):
            transform.initialise(rng)
        else:
            _initialise_layers([part for part in transform.hyper if hasattr(part, "weight")], rng)


def _initialise_layers(layers: Sequence[nn.Linear], rng: torch.Generator) -> None:
    """Draw Glorot's weights, nearly zero in the last of the layers."""
    for layer in layers:
        gain = NEARLY_ZERO if layer is layers[-1] else 1.0
        nn.init.xavier_uniform_(layer.weight, gain, generator=rng)
        nn.init.zeros_(layer.bias)


def invert(flow: LazyComposedTransform, outputs: Tensor) -> Tensor:
    """Map what a flow gives, (n, D), back to what it was given, (n, D)."""
    values = outputs
    for transform in reversed(flow().transforms):
        autoregressive = isinstance(transform, AutoregressiveTransform)
        values = solve(transform, values) if autoregressive else transform.inv(values)
    return values


def solve(transform: AutoregressiveTransform, outputs: Tensor) -> Tensor:
    """Return the inputs (n, D) of an autoregressive transform's outputs.

    Each pass makes at least one more dimension right and keeps those that are right, so D passes
    are enough. When a pass changes no bit, no later one will: on images after some twenty passes
    (Jacobi's iteration: Song, Meng, Liao and Ermon 2021).
    """
    inputs = torch.zeros_like(outputs)
    for _ in range(transform.passes):
        before, inputs = inputs, transform.meta(inputs).inv(outputs)
        if torch.equal(inputs, before):
            break
    return inputs
