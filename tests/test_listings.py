"""What `latentgrid models` and `latentgrid figures` list, on a terminal of few columns."""

import pytest
from rich.console import Console

from latentgrid.commands import figures, models
from latentgrid.grid import catalogue


def lines(show, known, columns=80):
    console = Console(width=columns)
    with console.capture() as said:
        show(console, known)
    return said.get().splitlines()


@pytest.fixture(scope="module")
def of_models():
    return lines(models.show_models, {"pca": "Vizoso 2020 (section 1)"})


def test_every_option_of_a_training_is_listed_once_with_what_it_does(of_models):
    known = {name for model in catalogue.models() for name in catalogue.options(model)}
    at = of_models.index("Options of a training, each off unless an entry sets it")
    listed = [line.split()[0] for line in of_models[at + 1 :] if line[4:5].strip()]
    assert sorted(listed) == sorted(known)
    text = " ".join(" ".join(of_models[at:]).split())
    assert "not for cond_gan, gan, pca, wgan kl_warm_up epochs in which" in text
    assert "for beta_vae, conv5_vae, conv_vae, vae, vae_bce alone" in text
    assert not any(line.split()[:1] == ["kl_warm_up"] for line in of_models[:at])


def test_models_stand_with_their_own_hyperparameters(of_models):
    at = next(i for i, line in enumerate(of_models) if line.startswith("pca  The linear"))
    assert [line.rstrip() for line in of_models[at + 2 : at + 4]] == [
        "    from Vizoso 2020 (section 1)",
        "    latent_dim  a whole number from 1 to 4096; must be set",
    ]
    text = "\n".join(of_models)
    assert "a whole number, 1 or more; 500 by default" in text
    assert "2147483647" not in text


@pytest.mark.parametrize("columns", [80, 200])
def test_nothing_is_wider_than_the_terminal(columns):
    for shown in (
        lines(models.show_models, {"ae": "somebody's long paper " * 20}, columns),
        lines(figures.show_figures, [], columns),
    ):
        assert max(map(len, shown)) <= columns
        assert len(shown) > 100


def test_a_figure_says_which_methods_its_models_have():
    text = " ".join(" ".join(lines(figures.show_figures, [], 200)).split())
    assert "of models that have discrimination, encode" in text
