"""The test images themselves in the plane, by PCA, UMAP and t-SNE (source 001)."""

from latentgrid.evaluation.neighbours import NEIGHBOURS, neighbours
from latentgrid.figures.drawing import NO_CLASSES, Drawing
from latentgrid.figures.results import Results
from latentgrid.figures.style import class_legend, panels, scatter_plane
from latentgrid.text import number

TITLE = "The images by PCA, UMAP and t-SNE"
SECTION = "Where the codes lie"
PLACE = 6
CAPTION = (
    "The first 2,000 test images (or all, where there are fewer) as points in the plane, found "
    "from their pixels alone and coloured by class. PCA is a projection; UMAP and t-SNE keep "
    "neighbours together, whatever that does to distances. Look for how much separates before "
    "any autoencoder was trained."
)
CLAIM = "Source 001 shows PCA, UMAP and t-SNE of MNIST side by side, without a number."
READS = ("embedded_images",)
METHODS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}


def draw(results: Results) -> Drawing:
    """Draw the first test images as points in the plane, computed from pixels by each method."""
    planes = results.read("embedded_images")
    shown = [planes[method] for method in METHODS]
    labels = results.test.labels[: len(shown[0])]
    figure, places = panels(len(shown), title_lines=1)
    for panel, plane, name in zip(places, shown, METHODS.values(), strict=True):
        scatter_plane(panel, plane, labels, results.test.name_of)
        panel.set_title(name)
    class_legend(figure, labels, results.test.name_of)
    if not results.test.has_classes:
        return Drawing(figure, [NO_CLASSES])
    shares = [
        f"{name} {neighbours(plane, labels)[0]:.2f}"
        for name, plane in zip(METHODS.values(), shown, strict=True)
    ]
    return Drawing(
        figure,
        [
            f"Of {number(len(labels))} images, the share that the majority of their {NEIGHBOURS} "
            f"nearest points of the plane names rightly: {', '.join(shares)}."
        ],
    )
