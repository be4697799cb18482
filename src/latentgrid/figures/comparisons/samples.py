"""Images drawn by the best run of each model (source 000, figure 6.4)."""

import pandas as pd

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.sheets import draw_sheets

TITLE = "Samples"
SECTION = "What is drawn"
PLACE = 1
CAPTION = (
    "Images drawn by the best run of each model, decoded from draws of the prior where there is "
    "one. Models with equally long codes decode the same draws. Look for images of no class: "
    "the prior then has mass where no training image is encoded. White dots at fixed places in "
    "images of vae are pixels whose output, a ReLU, died in training. A conditional GAN is "
    "asked for each class in turn."
)
CLAIM = (
    "Source 000 (section 6.8.3, figure 6.4) finds 64 images of each of its models hard to tell "
    "apart in quality, those of conv_vae the most blurred. It shows them through one more "
    "sigmoid than the decoder has."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ("sample",)


def draw(results: Results) -> Drawing:
    """Draw a sheet of samples for each model; equal latent dimensions have equal draws."""
    sheets = results.with_snapshot("samples", results.best(results.runs))
    if not sheets:
        return nothing("No run that can draw samples has finished.")
    judged = _judged(results, min(len(samples) for _, samples in sheets))
    return Drawing(draw_sheets(results, sheets), judged)


def _judged(results: Results, n: int) -> list[str]:
    """Say how sure the judge is of each entry's samples, and how many classes it sees."""
    best = pd.DataFrame(results.best(results.runs))
    if "sample_confidence" not in best or best["sample_confidence"].isna().all():
        return []
    ranked = best.dropna(subset=["sample_confidence"])
    ranked = ranked.sort_values("sample_confidence", ascending=False)
    verdicts = ", ".join(
        f"{run.entry} ({run.sample_confidence:.2f}; {run.sample_classes:.1f})"
        for run in ranked.itertuples()
    )
    return [
        f"How sure the judge is on average of the class of a sample, over {n} samples each, and "
        f"how many classes it sees: {verdicts}."
    ]
