"""Guesses what a workflow takes beside its trainings: measures, figures, pages and report.

A job takes what it, or jobs of its entry, took in these results before; else what stands here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean

from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.grid.runs import Run
from latentgrid.grid.schema import Params
from latentgrid.jobs import benchmarks
from latentgrid.training.estimate import Cost

Job = tuple[str, float]  # its name, and the seconds that it takes if none of its name ran before

# Seconds of one core, measured on digits and MNIST;
# good to a factor of three. What looks at all test images takes more for each of them.
START_AND_END = 10.0  # Snakemake, tables, verdicts, quality, audit, MLflow
EVALUATION, PASSES = 0.5, 3  # the test images are encoded, reconstructed and shown to the judge
# A step of training goes forth and back through both networks, which takes so many decodings.
DECODINGS_PER_STEP = 6
FIGURE, ANIMATION, PLOTS, PAGE, EXPERIMENT, CONTROLS = 1.0, 4.0, 3.0, 1.0, 5.0, 1.5
FIGURE_PER_IMAGE, CONTROLS_PER_IMAGE = 0.001, 0.002
CODES_PER_IMAGE = 0.006  # t-SNE of one run's codes
PLANES, PLANES_PER_IMAGE = 20.0, 0.03  # t-SNE and UMAP of the images themselves


def seconds_left(
    params: Params, runs: Sequence[Run], costs: Sequence[Cost], test: int, layout: Layout
) -> float:
    """Return the seconds of one core that are left to do beside a plan's trainings; 0 if nothing.

    Args:
        params: the configuration.
        runs: of the plan.
        costs: of each run.
        test: the number of test images.
        layout: of the results, which are looked at for what is there and what it took.

    Raises:
        UserError: `benchmarks.csv` is damaged.
    """
    taken = _taken(layout)
    seen = min(test, params.evaluation.test_images)
    left = [
        (run, cost)
        for run, cost in zip(runs, costs, strict=True)
        if not layout.run(run.name).metrics.exists()
    ]
    jobs = [*_of_runs(params, left, seen), *_of_figures(params, layout, seen, anew=bool(left))]
    if left:
        jobs += [(f"model_page:{model}", PAGE) for model in {run.model for run in runs}]
        jobs += [("controls", CONTROLS + CONTROLS_PER_IMAGE * seen), ("interactive", PLOTS)]
    if not jobs and layout.report.exists():
        return 0.0
    return START_AND_END + sum(taken.get(name, seconds) for name, seconds in jobs)


def _taken(layout: Layout) -> dict[str, float]:
    """Return the mean seconds of jobs by their names, those of an entry's runs together."""
    seconds = defaultdict(list)
    if layout.benchmarks.exists():
        for cost in benchmarks.read(layout.benchmarks):
            seconds[cost.job.partition("/")[0]].append(cost.seconds)
    return {name: mean(costs) for name, costs in seconds.items()}


def _of_runs(params: Params, left: Iterable[tuple[Run, Cost]], seen: int) -> Iterator[Job]:
    bounds = params.evaluation.likelihood
    for run, cost in left:
        yield f"evaluate:{run.entry}", EVALUATION + PASSES * seen * cost.seconds_per_image
        if bounds and run.entry in params.with_likelihood():
            decodings = bounds.images * bounds.draws
            yield (
                f"likelihood:{run.entry}",
                decodings / DECODINGS_PER_STEP * cost.seconds_per_image,
            )


def _of_figures(params: Params, layout: Layout, seen: int, anew: bool) -> Iterator[Job]:
    """Yield the jobs of figures that are missing, or of all, and those whose results they read."""
    read: set[str] = set()
    for name, entries in params.figures_to_draw().items():
        if anew or not layout.picture(name).exists():
            figure = catalogue.figure(name)
            read.update(figure.reads)
            yield f"figure:{name}", FIGURE + FIGURE_PER_IMAGE * seen
            if figure.is_animated:
                yield f"animation:{name}", ANIMATION
            if "embedded_codes" in figure.reads:
                yield "embed_codes", CODES_PER_IMAGE * seen * len(entries)
    for name in sorted(read):
        if not layout.tensors(name).exists():
            if name.startswith("experiments/"):
                yield f"experiment:{name.partition('/')[2]}", EXPERIMENT
            if name == "embedded_images":
                yield "embed_images", PLANES + PLANES_PER_IMAGE * seen
