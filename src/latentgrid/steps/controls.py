"""The step that measures cases whose value is known, to control the measures themselves."""

from typing import Annotated

import typer

from latentgrid.evaluation import judge as judging
from latentgrid.evaluation.controls import Judge, Material
from latentgrid.evaluation.controls.table import table
from latentgrid.evaluation.distances import REAL
from latentgrid.evaluation.tables import write_table
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import TrainedRun, load_test_set, load_training_images
from latentgrid.training.determinism import compute_deterministically


def main(
    dataset: Annotated[str, typer.Option()],
    test_images: Annotated[int, typer.Option(help="measure on the first so many test images")],
    judge: Annotated[str | None, typer.Option(help="the run that judges")] = None,
) -> None:
    """Write the table of controls of a data set."""
    compute_deterministically("cpu")
    layout = Layout(dataset)
    material = Material(
        test=load_test_set(layout.images).first(test_images),
        training=load_training_images(layout.images, REAL),
        judge=load_judge(layout, judge) if judge else None,
    )
    controls = table(material)
    write_table(layout.controls, controls)
    outside = controls.loc[controls["inside"] == "no", "measure"].tolist()
    said = f", but not {', '.join(dict.fromkeys(outside))}" if outside else ""
    print(f"controls: {len(controls) - len(outside)} of {len(controls)} inside{said}", flush=True)


def load_judge(layout: Layout, name: str) -> Judge | None:
    """Return the judge that a run trained; None if it diverged."""
    run = TrainedRun(layout.run(name))
    classify, classes = judging.load_judge(run), run.last("classes")
    if classify is None or classes is None:
        return None
    return Judge(name, classify, classes)


if __name__ == "__main__":
    run_step(main)
