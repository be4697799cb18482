"""Which options of a training go together; params.yaml and the estimators are held to the same."""

from collections.abc import Iterable, Mapping
from typing import Any

from latentgrid.grid.messages import EntryError, shown


def require_sense(settings: Mapping[str, Any], rates: Iterable[str], pretraining: int = 0) -> None:
    """Refuse options of a training that could never act, or would undo each step.

    Args:
        settings: epochs, and of validation and the options those that are set.
        rates: the settings that are learning rates of the model.
        pretraining: the model's `pretraining`, in epochs, where it is known.

    Raises:
        EntryError: an option is refused; its `key` is the option.
    """
    if "patience" in settings and not settings.get("validation"):
        found = f"found {shown(settings['patience'])} without images to validate on"
        raise EntryError(
            "patience", found, "it beside a validation above 0, of the training or its own"
        )
    decay = settings.get("weight_decay", 0)
    for key in rates:
        rate = settings.get(key) or 0
        if decay * rate >= 1:
            found = f"found {shown(decay)} with {key} {shown(rate)}, whose product is what each "
            known = f"a product below 1: below {1 / rate:.4g} with this {key}"
            raise EntryError("weight_decay", f"{found}step takes off weights", known)
    for option in ("warm_up", "kl_warm_up", "patience"):
        if settings.get(option, 0) > settings["epochs"]:
            found = f"found {shown(settings[option])}, more epochs than a run has"
            raise EntryError(option, found, f"{settings['epochs']} at most")
    settling = max(settings.get("kl_warm_up", 0), pretraining)
    left = settings["epochs"] - settling
    if settings.get("patience", 0) > left:
        found = f"found {shown(settings['patience'])}, and the first {settling} of "
        found += f"{settings['epochs']} epochs do not count, by kl_warm_up or pretraining"
        raise EntryError("patience", found, f"{left} at most" if left else "none")
