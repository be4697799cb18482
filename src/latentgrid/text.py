"""Numbers as text for people."""

import math
import re
from collections.abc import Iterable

# How labels name a value on these axes; on others the name of the axis stands before it.
LABELS = {"latent_dim": "d = {}", "optimizer": "{}", "learning_rate": "lr {}"}
PRINTED = re.compile(r"([a-z][a-z0-9_]*)=([^=,]+)")


def number(value: float | str | None) -> str:
    """Return five significant digits with thousands separated: 2,164,100, 31.848, 0.00075.

    A missing value is a dash, infinity is ∞, and a truth value is True or False.
    """
    if isinstance(value, str | bool):
        return str(value)
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = float(f"{value:.5g}")
    if value == int(value) and abs(value) < 1e12:  # noqa: PLR2004
        text = f"{int(value):,}"
    elif abs(rounded) >= 10_000:  # noqa: PLR2004
        text = f"{rounded:,.0f}"
    else:
        text = f"{value:.5g}"
    return text.replace("-", "−")


def signed(value: float, digits: int) -> str:
    """Return a number with so many decimals and a true minus sign; a missing value is a dash.

    What rounds to zero has no sign.
    """
    return "–" if math.isnan(value) else f"{value:z.{digits}f}".replace("-", "−")


def beside(value: float, limits: Iterable[float], digits: int) -> str:
    """Return a number as `signed`, with up to three more decimals if it would round to a limit.

    2.04 where 2 is allowed is not told as 2.0: it lies beyond, and a reader is to see that.
    """
    known = list(limits)
    enough = (n for n in range(digits, digits + 4) if _on_its_sides(value, n, known))
    return signed(value, next(enough, digits))


def _on_its_sides(value: float, digits: int, limits: Iterable[float]) -> bool:
    """Tell whether a rounded number lies on the same side of each limit as the number itself."""
    rounded = round(value, digits)
    return all((rounded > one, rounded < one) == (value > one, value < one) for one in limits)


def labelled(axis: str, value: str) -> str:
    """Return a value on an axis as labels name it: "d = 20", "adam", "batch size 100"."""
    return LABELS.get(axis, f"{axis.replace('_', ' ')} {{}}").format(value)


def short_setting(setting: str) -> str:
    """Return a setting as labels name it: "d = 2, adam" for "latent_dim=2, optimizer=adam"."""
    pairs = ((part, PRINTED.fullmatch(part)) for part in setting.split(", "))
    return ", ".join(labelled(pair[1], pair[2]) if pair else part for part, pair in pairs)


def duration(seconds: float) -> str:
    """Return "3 h 12 min", "4 min 5 s" or "12 s"."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def size(count: float) -> str:
    """Return a number of bytes as "512 kB", "3.4 MB" or "1.2 GB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        text = f"{count:.3g}"
        if float(text) < 1000:  # noqa: PLR2004
            return f"{text} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
