"""The figures with all that is said of them, in the order in which a reader wants them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from latentgrid.errors import printable
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout

CAPTIONS = Path("workflow/report")

SECTIONS = {
    "What is lost": (
        "reconstructions",
        "dimensions",
        "dimensions_images",
        "encoder_decoder_pairs",
        "rate_distortion",
    ),
    "What is drawn": (
        "samples",
        "prior_draws",
        "samples_by_dimension",
        "manifold",
        "class_means",
        "noisy_codes",
        "interpolation",
        "fitted_gaussian",
    ),
    "Where the codes lie": (
        "latent",
        "tsne",
        "silhouettes",
        "silhouette_profiles",
        "aggregated_posterior",
        "embeddings",
    ),
    "What is restored": ("denoising", "denoising_toy"),
    "How they train": ("learning_curves", "evolution", "marginal_effects", "ablation"),
    "Where training fails": ("two_points", "gan_toy"),
}
OTHERS = "Further figures"
TITLES = {
    "latent": "Latent space",
    "dimensions": "Error over the latent dimension",
    "dimensions_images": "Reconstructions over the latent dimension",
    "encoder_decoder_pairs": "Encoders and decoders paired",
    "rate_distortion": "Rate against distortion",
    "prior_draws": "The same draws decoded",
    "samples_by_dimension": "Samples over the latent dimension",
    "class_means": "The mean code of each class",
    "noisy_codes": "Codes with noise",
    "fitted_gaussian": "A Gaussian fitted to the codes",
    "tsne": "Codes by t-SNE",
    "silhouette_profiles": "Silhouettes, code by code",
    "aggregated_posterior": "Aggregated posterior against the prior",
    "embeddings": "The images by PCA, UMAP and t-SNE",
    "denoising_toy": "Denoising in two dimensions",
    "evolution": "From epoch to epoch",
    "ablation": "Building blocks",
    "two_points": "Two points on which the ELBO diverges",
    "gan_toy": "A GAN learns a Gaussian",
}


@dataclass(frozen=True)
class Described:
    """A figure and what is said of it.

    Attributes:
        caption: what to look at.
        claim: what its source claimed, if anything.
        seen: what is seen in it, in sentences.
        missing: why there is nothing to see, if there is nothing.
    """

    name: str
    title: str
    caption: str
    claim: str
    seen: list[str]
    missing: str


def described(layout: Layout, figures: Iterable[str]) -> dict[str, list[Described]]:
    """Return the figures below the headings of their sections."""
    figures = list(figures)
    seen = {name: read_json(layout.seen(name), "seen", "missing") for name in figures}
    return {
        heading: [_described(name, seen[name]["seen"], seen[name]["missing"]) for name in names]
        for heading, names in in_sections(figures).items()
    }


def _described(name: str, seen: list[str], missing: str) -> Described:
    """Read the caption's file: first paragraph what to look at, second what was claimed."""
    text = (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")
    caption, _, claim = (part.strip() for part in text.partition("\n\n"))
    return Described(name, title(name), caption, claim, seen, missing)


def title(figure: str) -> str:
    """Return the heading of a figure."""
    return TITLES.get(figure, figure.replace("_", " ").capitalize())


def in_sections(figures: Iterable[str]) -> dict[str, list[str]]:
    """Return the figures below the headings of their sections, each in its place."""
    left = list(figures)
    sections = {
        heading: [figure for figure in named if figure in left]
        for heading, named in SECTIONS.items()
    }
    placed = {figure for named in sections.values() for figure in named}
    sections[OTHERS] = [figure for figure in left if figure not in placed]
    return {heading: named for heading, named in sections.items() if named}


def seen(value: object) -> object:
    """Return what a page shows of a value: a text without letters that cannot be seen."""
    if isinstance(value, str) and not hasattr(value, "__html__"):  # which HTML says of itself
        return printable(value)
    return value
