"""How far estimators of a bound and its gradient scatter (source 004, section 1.3)."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array

TITLE = "Variance of the estimators of a bound"
SECTION = "How probability is estimated"
PLACE = 3
CAPTION = (
    "A model whose bound is known in closed form, of ten independent dimensions, and the variance "
    "of three estimates of the bound and of its slopes over the number L of draws of the posterior "
    "q(z│x): L^A, which draws the divergence too, L^B, which has it in closed form, and the naive "
    "Monte Carlo gradient, which weights the slopes of log q by the bound. Marks are variances "
    "over 2,000 estimates, lines are exact. Above q is the prior, as when training begins, below "
    "it is the true posterior; there L^A itself has no variance. Look for how many draws the "
    "naive gradient needs for the variance that the others have with one."
)
CLAIM = (
    "Source 004 (section 1.3, after Kingma and Welling 2014) says that the naive Monte Carlo "
    "gradient has so large a variance that it is of no use, and gives L^A and L^B instead; it "
    "compares none of them."
)
READS = ("experiments/estimator_variance",)
ROUNDING = 1e-12  # variances below it are those of rounding
POSTERIORS = {"start": "q is the prior", "end": "q is the true posterior"}
QUANTITIES = {"value": "the bound", "mean": "slope by a mean", "log_deviation": "slope by a log σ"}
ESTIMATORS = {
    "b": ("$L^B$", PALETTE[1], "s"),
    "a": ("$L^A$", PALETTE[0], "+"),
    "score": ("naive gradient", PALETTE[2], "^"),
}


def draw(results: Results) -> Drawing:
    """Draw the variance of each estimator of each quantity over the number of draws."""
    found = results.read(READS[0])
    figure = Figure(figsize=(WIDTH, 4.4))
    places = figure.subplots(len(POSTERIORS), len(QUANTITIES), sharex=True, sharey=True)
    for row, (q, said) in zip(places, POSTERIORS.items(), strict=True):
        for panel, quantity in zip(row, QUANTITIES, strict=True):
            _draw_variances(panel, found, f"{q}/{quantity}")
            panel.set(xscale="log", yscale="log")
        row[0].set_ylabel(f"{said}\nvariance, nats²")
    for above, below, title in zip(*places, QUANTITIES.values(), strict=True):
        above.set_title(title)
        below.set_xlabel("draws L")
    named = places[0, 1].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower center", ncols=3, frameon=False)
    return Drawing(figure, [_ratios(found, q, said) for q, said in POSTERIORS.items()])


def _draw_variances(panel: Axes, found: Mapping[str, Array], name: str) -> None:
    """Draw measured and exact variances; the bound by the naive estimator is that of L^A."""
    drawn = {k: v for k, v in ESTIMATORS.items() if k != "score" or not name.endswith("value")}
    for estimator, (label, colour, marker) in drawn.items():
        of = f"{name}/{estimator}"
        if found[f"{of}/exact_variance"][0] < ROUNDING:
            panel.text(
                0.95, 0.9, f"{label}: 0", color=colour, ha="right", transform=panel.transAxes
            )
            continue
        panel.plot(found["draws"], found[f"{of}/exact_variance"], color=colour, linewidth=1)
        panel.plot(
            found["draws"], found[f"{of}/variance"], marker, color=colour, markersize=5, label=label
        )


def _ratios(found: Mapping[str, Array], q: str, said: str) -> str:
    """Say how many draws the naive gradient needs for the variance of one draw of the others."""
    of = {
        (quantity, e): float(found[f"{q}/{quantity}/{e}/exact_variance"][0])
        for quantity in ("mean", "log_deviation")
        for e in ESTIMATORS
    }
    several = [
        f"of the {QUANTITIES[quantity]} {of[quantity, 'score'] / of[quantity, 'b']:,.0f}"
        for quantity in ("mean", "log_deviation")
    ]
    return (
        f"Where {said}, the naive gradient needs for the variance that L^B has with one draw, "
        f"{several[0]} draws and {several[1]}; L^A needs "
        f"{significant(of['mean', 'a'] / of['mean', 'b'])} and "
        f"{significant(of['log_deviation', 'a'] / of['log_deviation', 'b'])}."
    )
