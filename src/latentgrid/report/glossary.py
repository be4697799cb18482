"""The words that a reader may not know, and links to them from their first use in each section.

The sources are such words too: where a text names "Vizoso 2020", a reader may ask who that is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from latentgrid.studies.study import Study

# Text inside of these elements is no running text, or is a link or a button already.
CLOSED = frozenset(
    {
        "a",
        "button",
        "caption",
        "code",
        "dl",
        "h1",
        "h2",
        "h3",
        "math",
        "nav",
        "pre",
        "summary",
        "th",
    }
)
TOKEN = re.compile(r"(<script\b.*?</script>|<style\b.*?</style>|<[^>]*>)", re.DOTALL)
NAME = "<span data-beside"  # of a file, which the script of the page makes a link
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)")


@dataclass(frozen=True)
class Term:
    """A word that is explained.

    Attributes:
        name: the word.
        about: what it means, in a sentence or two.
        forms: how texts have it; empty if as its name.
        link: where more is said; empty if nowhere.
    """

    name: str
    about: str
    forms: tuple[str, ...] = ()
    link: str = ""

    @property
    def key(self) -> str:
        """The end of the identifiers of its elements."""
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


GLOSSARY = (
    Term(
        "95 % interval",
        "A range that would hold the true mean in 95 of 100 repetitions with other "
        "seeds; here by Student's t over the seeds.",
        ("95 % interval", "95 % intervals"),
    ),
    Term(
        "active dimension",
        "A dimension of the code that the encoder uses: its posterior mean differs between images.",
        ("active dimension", "active dimensions"),
    ),
    Term(
        "bits/dim",
        "A negative log-likelihood in bits, divided by the number of pixels and "
        "channels. One nat is 1.44 bits.",
    ),
    Term(
        "code",
        "The few numbers into which an encoder turns an image.",
        ("codes", "short code"),
    ),
    Term(
        "cross entropy",
        "A loss for values between 0 and 1: −x log x̂ − (1 − x) log(1 − x̂), of an image summed over "
        "the pixels. Of a classifier, −log of the probability that it gives to the right class.",
    ),
    Term(
        "decoder",
        "The network that turns a code into an image.",
        ("decoder", "decoders"),
    ),
    Term(
        "ELBO",
        "Evidence lower bound: a lower bound on the log-likelihood of an image, its "
        "expected reconstruction less the KL divergence. Variational models maximise "
        "it.",
    ),
    Term(
        "encoder",
        "The network that turns an image into a code.",
        ("encoder", "encoders"),
    ),
    Term(
        "epoch",
        "One pass over all training images.",
        ("epoch", "epochs"),
    ),
    Term(
        "flow",
        "A model that turns noise into images by invertible steps, so that the "
        "likelihood of an image is known exactly.",
        ("flow", "flows"),
    ),
    Term(
        "GAN",
        "Generative adversarial network: a generator makes images, a discriminator "
        "tells them from real ones, and each learns from the other.",
        ("GAN", "GANs"),
    ),
    Term(
        "importance-weighted",
        "An average over many draws of the posterior, which makes a lower bound on the "
        "log-likelihood tighter than the ELBO.",
    ),
    Term(
        "judge",
        "A classifier, trained on the real images with their classes, that says of "
        "other images which class it sees and how sure it is.",
        ("the judge", "a judge"),
    ),
    Term(
        "KL divergence",
        "Kullback–Leibler divergence: how far one distribution is from another, 0 if "
        "they are equal. In a VAE, of the posterior from the prior: what the code "
        "costs.",
        ("KL divergence", "KL", "KL divergences"),
    ),
    Term(
        "latent dimension",
        "How many numbers a code has; written d.",
        ("latent dimension", "latent dimensions", "dimensions of the code"),
    ),
    Term(
        "latent space",
        "The space in which codes are points.",
    ),
    Term(
        "learning rate",
        "How far a step of training moves the weights.",
        ("learning rate", "learning rates"),
    ),
    Term(
        "MMD",
        "Maximum mean discrepancy: a distance between two samples, measured by a "
        "kernel; 0 for samples of one distribution, but for chance.",
    ),
    Term(
        "nats",
        "The unit of information with the natural logarithm.",
        ("nats", "nat"),
    ),
    Term(
        "PCA",
        "Principal component analysis: the best linear code. It is the line that "
        "autoencoders have to beat.",
    ),
    Term(
        "posterior",
        "The distribution of the codes of one given image, q(z|x).",
        ("posterior", "posteriors", "posterior mean", "posterior means"),
    ),
    Term(
        "prior",
        "The distribution of codes before an image is seen, mostly N(0, I); new images "
        "are decoded from draws of it.",
        ("prior", "priors"),
    ),
    Term(
        "rate",
        "What the code of an image costs, in nats: the KL divergence of the posterior "
        "from the prior. The distortion is what the image costs once its code is known.",
        ("rate", "distortion", "Rate"),
    ),
    Term(
        "sample score",
        "The Inception score with the judge in Inception's place: 1 if all samples look "
        "alike to it, the number of classes at best.",
    ),
    Term(
        "seed",
        "The number from which all random draws of a run follow. Runs that differ in it "
        "alone show how much is chance.",
        ("seed", "seeds"),
    ),
    Term(
        "setting",
        "One value of each hyperparameter: what a run was told, but for its seed.",
        ("setting", "settings"),
    ),
    Term(
        "silhouette",
        "How much nearer codes are to those of their own class than to those of the "
        "next one, in [−1, 1]: above 0 they are nearer, 1 is perfect.",
        ("silhouette", "silhouettes"),
    ),
    Term(
        "squared error",
        "The sum over the pixels of the squared difference between an image and its "
        "reconstruction; pixels lie between 0 and 1.",
        ("squared error", "squared errors", "Squared error"),
    ),
    Term(
        "t-SNE",
        "A map of points of many dimensions into the plane that keeps neighbours "
        "together; distances between groups say nothing.",
    ),
    Term(
        "test image",
        "An image on which no model was trained.",
        ("test image", "test images"),
    ),
)


def sources_of(studies: Iterable[Study]) -> list[Term]:
    """Return the studies as words that are explained by their citations."""
    return [Term(study.cited, study.citation, link=study.facts.link or "") for study in studies]


def explained(page: Markup, terms: Sequence[Term]) -> Markup:
    """Return a page whose first use of each term in each section leads to its explanation.

    A section begins at a heading of the second level. What is folded away counts apart.
    """
    linker = _Linker(terms)
    return Markup("".join(map(linker.next, TOKEN.split(page))))  # noqa: S704


class _Linker:
    """Goes through the tags and texts of a page in their order."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.by_form = {
            str(escape(form)): term for term in terms for form in term.forms or (term.name,)
        }
        longest_first = sorted(self.by_form, key=len, reverse=True)
        self.pattern = re.compile(
            rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])"
        )
        self.used: set[tuple[str, bool]] = set()
        self.closed = self.folded = 0
        self.in_name = False

    def next(self, token: str) -> str:
        """Return the next tag as it is, or the next text with its links."""
        if token.startswith(("<script", "<style")):
            return token
        tag = TAG.match(token)
        if tag is None:
            return token if self.closed else self.pattern.sub(self._link, token)
        step = -1 if tag[1] else 1
        self.closed += step * (tag[2] in CLOSED)
        self.folded += step * (tag[2] == "details")
        if token.startswith(NAME) or (self.in_name and tag[0] == "</span"):
            self.in_name = not self.in_name
            self.closed += step
        if token.startswith("<h2"):
            self.used.clear()
        return token

    def _link(self, found: re.Match[str]) -> str:
        key = self.by_form[found[0]].key
        if (key, self.folded > 0) in self.used:
            return found[0]
        self.used.add((key, self.folded > 0))
        return f'<a class="term" href="#term-{key}" aria-describedby="about-{key}">{found[0]}</a>'
