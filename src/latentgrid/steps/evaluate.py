"""The step that evaluates one run: it writes the judge's scores, all measures and a picture."""

from typing import Annotated

import typer

from latentgrid.evaluation import judge as judging
from latentgrid.evaluation import measures
from latentgrid.figures import overview
from latentgrid.figures.style import save_png
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import TrainedRun, load_test_set, load_training_images


def main(
    dataset: Annotated[str, typer.Option()],
    run: Annotated[str, typer.Option(help="its name in the plan")],
    test_images: Annotated[int, typer.Option(help="measure on the first so many test images")],
    judge: Annotated[str | None, typer.Option(help="the run that judges")] = None,
    read: Annotated[list[str] | None, typer.Option(help="results of other steps to read")] = None,
) -> None:
    """Evaluate a run that has a result."""
    layout = Layout(dataset)
    test = load_test_set(layout.images)
    trained = TrainedRun(layout.run(run), frozenset(read or []))
    if judge:
        training = load_training_images(layout.images, judging.FITTED_TO)
        classify = judging.load_judge(TrainedRun(layout.run(judge)))
        print(f"scored by {judge}" if classify else f"no scores, as {judge} diverged", flush=True)
        images = test.first(judging.DRAWS).images
        scores = judging.score(trained, classify, training, images) if classify else {}
        judging.write_scores(trained, scores)
    write_json(trained.files.metrics, measures.of_run(trained, test.first(test_images)))
    save_png(overview.draw(trained, test, run), trained.files.overview)
    print(f"{run}: {trained.outcome.status}", flush=True)


if __name__ == "__main__":
    run_step(main)
