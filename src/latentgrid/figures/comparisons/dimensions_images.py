"""Test images and their reconstructions at each latent dimension (source 003)."""

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.rows import Row, draw_rows

NEEDS = ("encode", "decode")
SHOWN = 16


def draw(material: Material) -> Drawing:
    """Draw the first test images, then for each latent dimension a row a model, PCA's first.

    Entries with two or more latent dimensions, each by its best run with each of them.
    """
    runs = [
        run
        for runs in material.without("corrupt").by_dimension().values()
        if len(runs) > 1
        for run in runs
    ]
    if not runs:
        return nothing("No model that encodes and decodes has two or more latent dimensions.")
    runs.sort(key=lambda run: (run["latent_dim"], run["model"] != "pca"))
    images = material.test.images[:SHOWN]
    rows = [Row("test images", [images])]
    for run in runs:
        again = material.restored(run).reconstruct(images)
        rows.append(Row(f"{run['entry']}, d = {run['latent_dim']:g}", [again]))
    return Drawing(draw_rows(rows))
