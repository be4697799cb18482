"""The names of runs, settings and metrics in MLflow: short, and what tells runs apart first.

MLflow's lists and charts show some 22 letters of a run's name, and open a group for each text
before the / of a metric's name.
"""

SHORT = {"latent_dim": "d={}", "learning_rate": "{}", "seed": "s{}", "optimizer": "{}"}
FIRST = ("latent_dim", "learning_rate", "seed")  # then all others, the shortest first
PARTS = ("train", "validation", "test")
FINAL = "final"
PICTURES = SAMPLES, RECONSTRUCTIONS, PLANE = "samples", "reconstructions", "latent plane"
SMALL = 0.01


def title(name: str) -> str:
    """Return a run's name in MLflow: "vae d=2 5e-4 s0 adam".

    Args:
        name: the run's folder below `runs/`, "vae/latent_dim=2,…/seed=0".
    """
    return " ".join(_parts(name))


def setting(name: str) -> str:
    """Return what the runs that differ in their seed alone have in common: "vae d=2 5e-4 adam"."""
    without_seed, _, _ = name.rpartition("/")
    return " ".join(_parts(without_seed))


def curve(column: str) -> str:
    """Return the name of a column of the history: "train/kl" for train_kl."""
    part, _, term = column.partition("_")
    return f"{part}/{term}" if part in PARTS else column


def final(measure: str) -> str:
    """Return the name of a number that a run has once: "final/silhouette"."""
    return f"{FINAL}/{measure}"


def is_picture(path: str) -> bool:
    """Tell whether a file of a run has the name of one of our pictures."""
    _, _, file = path.rpartition("/")
    return file.startswith(tuple(f"{picture}+step+" for picture in PICTURES))


def _parts(name: str) -> list[str]:
    entry, _, rest = name.partition("/")
    pairs = [pair.partition("=")[::2] for pair in rest.replace("/", ",").split(",") if pair]
    words = {key: SHORT.get(key, f"{key}={{}}").format(_short(value)) for key, value in pairs}
    first = [words.pop(key) for key in FIRST if key in words]
    return [entry, *first, *sorted(words.values(), key=len)]


def _short(value: str) -> str:
    """Return a number in four digits, 5e-4 for 0.0005; as it is a word, or a longer number."""
    try:
        number = float(value)
    except ValueError:
        return value
    short = f"{number:.4g}"
    if 0 < abs(number) < SMALL:
        digits, _, power = f"{number:.3e}".partition("e")
        short = f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return short if float(short) == number else value
