"""Adversarial models: their losses in closed form, who moves when, and what they learn."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from latentgrid import models
from latentgrid.data import Batch, Images
from latentgrid.errors import UserError
from latentgrid.models.bases.adversarial import discriminator_loss, generator_loss, minimax_loss
from latentgrid.models.bases.priors import PRIORS
from latentgrid.models.wgan import gradient_penalty
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from latentgrid.training.steps import due, take_turns, turns_of
from networks import MNIST_SHAPE, build

SMALL = (1, 8, 8)
JENSEN_SHANNON = ("gan", "cond_gan")
GANS = (*JENSEN_SHANNON, "wgan")
STEPS = {"gan": "discriminator_steps", "cond_gan": "discriminator_steps", "wgan": "critic_steps"}
POSTERIORS = ("deterministic", "gaussian", "universal")


def noise(seed=0):
    return random_generator(seed, "noise")


def some(n, shape=SMALL, seed=0):
    return Batch(
        torch.rand(n, *shape, generator=random_generator(seed, "images")), torch.arange(n) % 10
    )


def small(name, shape=SMALL, latent_dim=3, **hyperparameters):
    return build(name, latent_dim, shape, **{"hidden": 16} | hyperparameters)


def state(network):
    return {name: value.clone() for name, value in network.named_parameters()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def gradient_norm(value, parameters):
    slopes = torch.autograd.grad(value, parameters)
    return math.sqrt(sum(slope.square().sum().item() for slope in slopes))


# The losses of the two players


@pytest.mark.parametrize("name", JENSEN_SHANNON)
def test_a_discriminator_that_says_one_half_costs_2_log_2_and_bounds_the_divergence_by_0(name):
    model = small(name)
    nn.init.zeros_(list(model.discriminator.parameters())[-1])
    losses = model.losses(some(7), noise())
    torch.testing.assert_close(losses["discriminator"], torch.full((7,), 2 * math.log(2)))
    torch.testing.assert_close(losses["generator"], torch.full((7,), math.log(2)))
    torch.testing.assert_close(model.loss(losses), torch.zeros(7))


@pytest.mark.parametrize("name", JENSEN_SHANNON)
def test_a_discriminator_that_is_never_wrong_bounds_the_divergence_by_log_2(name, monkeypatch):
    model, batch = small(name), some(5)

    def never_wrong(images, of):
        return torch.full((len(images),), 1000.0 if images is of.images else -1000.0)

    monkeypatch.setattr(model, "values", never_wrong)
    losses = model.losses(batch, noise())
    assert torch.equal(losses["discriminator"], torch.zeros(5))
    assert torch.equal(losses["generator"], torch.full((5,), 1000.0))
    torch.testing.assert_close(model.loss(losses), torch.full((5,), math.log(2)))


def test_the_cross_entropies_are_those_of_the_probabilities():
    real, fake = torch.tensor([0.9, 0.3]), torch.tensor([0.2, 0.6])
    expected = -real.log() - (1 - fake).log()
    torch.testing.assert_close(discriminator_loss(real.logit(), fake.logit()), expected)
    torch.testing.assert_close(generator_loss(fake.logit()), -fake.log())


def test_the_optimal_discriminator_of_two_normals_gives_their_jensen_shannon_divergence():
    data, samples = Normal(torch.tensor(0.0).double(), 1.0), Normal(1.0, 0.5)
    grid = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    p, q = data.log_prob(grid).exp(), samples.log_prob(grid).exp()
    middle = ((p + q) / 2).log()
    kls = (p * (p.log() - middle)).nan_to_num() + (q * (q.log() - middle)).nan_to_num()
    divergence = torch.trapezoid(kls / 2, grid).item()

    def optimal(x):  # D = p / (p + q), as a logit
        return data.log_prob(x) - samples.log_prob(x)

    losses = p * discriminator_loss(optimal(grid), torch.tensor(-math.inf))
    losses += q * discriminator_loss(torch.tensor(math.inf), optimal(grid))
    best = {"discriminator": torch.trapezoid(losses, grid)}
    assert small("gan").loss(best).item() == pytest.approx(divergence, abs=1e-9)
    worse = p * discriminator_loss(optimal(grid) / 2, torch.tensor(-math.inf))
    worse += q * discriminator_loss(torch.tensor(math.inf), optimal(grid) / 2)
    assert small("gan").loss({"discriminator": torch.trapezoid(worse, grid)}) < divergence - 0.001


@pytest.mark.parametrize("name", JENSEN_SHANNON)
def test_the_minimax_generator_minimises_what_the_discriminator_maximises(name):
    """Its gradient is that of log(1 − D), against which the discriminator's loss rises."""
    model, batch = small(name, generator_loss="minimax"), some(5)
    logits = model.values(model.fakes(batch, noise()), batch)
    expected = (1 - logits.sigmoid()).log()
    torch.testing.assert_close(model.losses(batch, noise())["generator"], expected)
    torch.testing.assert_close(model.generator_losses(batch, noise())["generator"], expected)


@pytest.mark.parametrize("logit", [-20.0, -3.0, 0.0, 4.0])
def test_the_slopes_of_the_two_generator_losses_are_d_and_1_minus_d(logit):
    """In size: 1 − D for −log D, D for log(1 − D); equal where D is one half."""
    at = torch.tensor(logit, dtype=torch.float64, requires_grad=True)
    d = at.detach().sigmoid()
    (strong,) = torch.autograd.grad(generator_loss(at), at)
    (saturating,) = torch.autograd.grad(minimax_loss(at), at)
    torch.testing.assert_close((strong, saturating), (d - 1, -d))


def test_the_generators_gradient_does_not_vanish_where_the_discriminator_is_sure():
    logit = torch.tensor(-20.0, requires_grad=True)
    (slope,) = torch.autograd.grad(generator_loss(logit), logit)
    assert slope.item() == pytest.approx(-1)


# The Wasserstein critic


def linear_critic(norm, pixels=64):
    weight = torch.randn(pixels, generator=random_generator(0, "critic"), dtype=torch.float64)
    weight = (weight * norm / weight.norm()).requires_grad_()
    return weight, lambda images: images.flatten(1) @ weight


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_that_of_its_norm(norm):
    weight, critic = linear_critic(norm)
    real, fake = some(6).images.double(), some(6, seed=1).images.double()
    penalties = gradient_penalty(critic, real, fake, noise())
    expected = torch.full((6,), (norm - 1) ** 2, dtype=torch.float64)
    torch.testing.assert_close(penalties, expected)
    (slope,) = torch.autograd.grad(penalties.mean(), weight)
    torch.testing.assert_close(slope, 2 * (norm - 1) * weight.detach() / norm)


def test_the_penalty_can_be_had_without_gradients():
    _, critic = linear_critic(3.0)
    real, fake = some(4).images.double(), some(4, seed=1).images.double()
    with torch.no_grad():
        penalties = gradient_penalty(critic, real, fake, noise())
    assert not penalties.requires_grad
    torch.testing.assert_close(penalties, torch.full((4,), 4.0, dtype=torch.float64))


def test_the_penalty_is_taken_at_points_between_real_and_fake():
    """The gradient of ½‖x‖² at x is x; from 0 to an image of norm 1 its norm is the share drawn."""
    fake = torch.full((2000, 1, 1, 4), 0.5)
    penalties = gradient_penalty(
        lambda images: images.flatten(1).square().sum(1) / 2, torch.zeros_like(fake), fake, noise()
    )
    shares = (1 - penalties.sqrt()).sort().values
    torch.testing.assert_close(shares, torch.linspace(0, 1, 2000), atol=0.05, rtol=0)


def test_a_linear_critic_estimates_the_distance_by_which_images_were_moved(monkeypatch):
    """W₁ between points and the same points moved by t is ‖t‖, and the critic along t finds it."""
    model, batch = small("wgan"), some(50)
    weight, critic = linear_critic(1.0)
    moved = batch.images - 0.7 * weight.detach().float().reshape(SMALL)
    monkeypatch.setattr(model, "fakes", lambda *_: moved)
    model.discriminator = Along(weight)
    losses = model.losses(batch, noise())
    assert model.loss(losses).mean().item() == pytest.approx(0.7, rel=1e-5)
    torch.testing.assert_close(losses["penalty"], torch.zeros(50), atol=1e-6, rtol=0)
    assert model.discriminator_objective(losses).item() == pytest.approx(-0.7, rel=1e-5)
    assert losses["generator"].mean().item() == pytest.approx(-critic(moved.double()).mean().item())


class Along(nn.Module):
    """A linear critic."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight.detach().float())

    def forward(self, images):
        return images.flatten(1) @ self.weight[:, None]


@pytest.mark.parametrize("penalty", [10.0, 3.0])
def test_the_critic_minimises_the_weighted_penalty_less_the_distance(penalty):
    model = small("wgan", penalty=penalty)
    losses = model.losses(some(5), noise())
    expected = penalty * losses["penalty"].mean() - losses["distance"].mean()
    torch.testing.assert_close(model.discriminator_objective(losses), expected)


@pytest.mark.parametrize("network", ["dense", "conv", "conv_dense"])
def test_clipping_cuts_the_weights_after_each_step_and_minimises_no_penalty(network):
    model = small("wgan", network=network, channels=4, lipschitz="clipping", clip=0.02)
    losses = model.losses(some(8), noise())
    assert losses["penalty"].mean() > 0
    torch.testing.assert_close(model.discriminator_objective(losses), -losses["distance"].mean())
    for step in range(3):
        take(model, 0, [some(8, seed=step)])
        sizes = torch.cat([p.detach().abs().flatten() for p in model.discriminator.parameters()])
        assert sizes.max() == torch.tensor(0.02)
        assert (sizes < 0.02).any()


def test_the_penalised_critic_is_not_clipped():
    model = small("wgan", clip=1e-6)
    take(model, 0, [some(8)])
    assert max(p.abs().max() for p in model.discriminator.parameters()) > 0.01


# Who moves, and when


ADAM_GAN = {"optimizer": "adam_gan", "learning_rate": 0.01, "precision": "float32"}


def parts(model):
    return {"discriminator": model.discriminator, "generator": model.decoder}


def take(model, player_index, batches):
    """Let one player alone take a step on each batch."""
    turn = turns_of(model, ADAM_GAN)[player_index]
    for step, batch in enumerate(batches, start=1):
        turn.take(batch, noise(step))


@pytest.mark.parametrize("network", ["dense", "conv", "conv_dense"])
@pytest.mark.parametrize("name", GANS)
@pytest.mark.parametrize(("index", "mover"), [(0, "discriminator"), (1, "generator")])
def test_a_step_moves_its_own_player_and_not_a_bit_of_the_other(name, network, index, mover):
    model = small(name, network=network, channels=4)
    before = {part: state(module) for part, module in parts(model).items()}
    take(model, index, [some(8, seed=seed) for seed in range(3)])
    for part, module in parts(model).items():
        if part == mover:
            assert all(
                not torch.equal(value, before[part][key])
                for key, value in module.named_parameters()
            )
        else:
            assert same(state(module), before[part])


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("name", GANS)
def test_the_generator_moves_on_every_kth_batch_and_the_discriminator_on_each(name, k):
    model = small(name, **{STEPS[name]: k})
    turns = turns_of(model, ADAM_GAN)
    for step in range(1, 8):
        before = {part: state(module) for part, module in parts(model).items()}
        terms, _ = take_turns(due(turns, step), some(6, seed=step), noise(step))
        moved = {
            part: not same(state(module), before[part]) for part, module in parts(model).items()
        }
        assert moved == {"discriminator": True, "generator": step % k == 0}
        assert terms.keys() == model.terms.keys()


@pytest.mark.parametrize("name", GANS)
def test_an_epoch_without_a_step_of_the_generator_still_reports_all_terms(name, few_images):
    model = small(name, few_images.shape, **{STEPS[name]: 100})
    rows = []
    settings = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "epochs": 1,
        "batch_size": 20,
        "precision": "float32",
        "seed": 0,
    }
    before = state(model.decoder)
    Training(model, few_images, settings).run(rows.append)
    assert {f"train_{term}" for term in model.terms} <= rows[-1].keys()
    assert same(state(model.decoder), before)


@pytest.mark.parametrize("name", JENSEN_SHANNON)
def test_the_discriminators_reported_loss_is_that_before_its_step(name):
    model, batch = small(name), some(6)
    expected = model.losses(batch, noise())["discriminator"]
    terms, objective = take_turns(turns_of(model, ADAM_GAN), batch, noise())
    torch.testing.assert_close(terms["discriminator"], expected)
    torch.testing.assert_close(objective, expected.mean())


def test_the_defaults_are_the_published_ones():
    assert build("wgan").players()[1].every == 5
    assert build("wgan").penalty == 10
    assert build("gan").players()[1].every == build("cond_gan").players()[1].every == 1
    for name, sizes in (
        ("gan", [(1200, 3), (1200, 1200), (784, 1200), (1200, 784), (1200, 1200), (1, 1200)]),
        ("wgan", [(512, 3), (512, 512), (784, 512), (512, 784), (512, 512), (1, 512)]),
    ):
        weights = [tuple(p.shape) for p in build(name).parameters() if p.dim() == 2]
        assert weights == sizes


# The convolutional networks


@pytest.mark.parametrize("name", GANS)
@pytest.mark.parametrize("shape", [MNIST_SHAPE, (3, 8, 12)])
def test_convolutional_players_have_a_gradient_everywhere_and_images_in_range(name, shape):
    model = small(name, shape, network="conv", channels=4)
    for player in model.players():
        losses = player.losses(some(6, shape), noise())
        slopes = torch.autograd.grad(player.objective(losses), player.parameters)
        assert all(slope.isfinite().all() and slope.any() for slope in slopes)
    model.eval()
    with torch.no_grad():
        samples = model.sample(5, noise())
        losses = model.losses(some(1, shape), noise())
    assert samples.shape == (5, *shape)
    assert 0 <= samples.min() < samples.max() <= 1
    assert all(values.shape == (1,) for values in losses.values())


@pytest.mark.parametrize("name", GANS)
def test_convolutional_weights_start_as_in_dcgan(name):
    model = small(name, MNIST_SHAPE, network="conv")
    layers = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    weights = [m.weight.flatten() for m in model.modules() if isinstance(m, layers)]
    drawn = torch.cat(weights) / 0.02
    assert drawn.mean().item() == pytest.approx(0, abs=0.01)
    assert drawn.std().item() == pytest.approx(1, abs=0.01)
    assert all((p == 0).all() for name, p in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("network", ["dense", "conv", "conv_dense"])
def test_a_critic_judges_each_image_by_itself_and_a_discriminator_after_training(network):
    critic, batch = small("wgan", network=network, channels=4), some(6)
    trained = small("gan", network=network, channels=4).eval()
    for judge in (critic.discriminator, trained.discriminator):
        torch.testing.assert_close(judge(batch.images)[2:3], judge(batch.images[2:3]))


@pytest.mark.parametrize(("name", "normalised"), [("gan", 1), ("cond_gan", 1), ("wgan", 0)])
def test_discriminators_have_batch_norm_and_critics_do_not(name, normalised):
    layers = small(name, network="conv", channels=4).discriminator.modules()
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == normalised


@pytest.mark.parametrize(("network", "as_a_whole"), [("conv", False), ("conv_dense", True)])
def test_only_a_hidden_layer_lets_a_discriminator_compare_far_places(network, as_a_whole):
    """What two far pixels add to the value is else the sum of what each adds."""
    model = small("gan", MNIST_SHAPE, network=network, channels=4).double().eval()
    images = torch.zeros(4, *MNIST_SHAPE, dtype=torch.float64)
    images[1::2, 0, 2, 2] = images[2:, 0, 25, 25] = 1  # neither, one, the other, both
    neither, one, other, both = model.discriminator(images).flatten().tolist()
    together = abs(both - one - other + neither)
    assert (together > 1e-12) == as_a_whole


# The conditional network


@pytest.mark.parametrize("network", ["dense", "conv", "conv_dense"])
def test_both_players_of_cond_gan_heed_the_label(network):
    model = small("cond_gan", network=network, channels=4).eval()
    codes, batch = torch.randn(1, 3, generator=noise()).expand(10, -1), some(10)
    labels = torch.arange(10)
    images = model.generate(codes, labels)
    torch.testing.assert_close(images[3:4], model.generate(codes[3:4], labels[3:4]))
    gaps = torch.pdist(images.flatten(1))
    assert gaps.min() > 0
    other = Batch(batch.images, batch.labels.flip(0))
    assert (model.values(batch.images, batch) != model.values(batch.images, other)).all()


@pytest.mark.parametrize(("n", "classes"), [(64, 10), (80, 10), (9, 2), (1, 10), (4, 1)])
def test_samples_of_cond_gan_come_in_rows_of_a_class(n, classes, monkeypatch):
    model = small("cond_gan", classes=classes)
    asked = []
    monkeypatch.setattr(model, "generate", lambda codes, labels: asked.append((codes, labels)))
    model.sample(n, noise())
    codes, labels = asked[0]
    assert torch.equal(codes, torch.randn(n, 3, generator=noise()))
    assert labels.tolist() == sorted(labels.tolist())
    shares = labels.bincount(minlength=classes)
    assert shares.max() - shares.min() <= 1
    if n == 80:
        assert labels.tolist() == [i // 8 for i in range(n)]


def test_fakes_of_cond_gan_are_of_the_batchs_classes():
    model, batch = small("cond_gan"), some(6)
    codes = torch.randn(6, 3, generator=noise())
    expected = model.generate(codes, batch.labels)
    assert torch.equal(model.fakes(batch, noise()), expected)


def test_cond_gan_maps_no_code_alone_to_an_image():
    assert not isinstance(small("cond_gan"), models.Decoder)
    assert isinstance(small("gan"), models.Decoder)


# The adversarial autoencoder


def test_a_deterministic_posterior_has_no_noise():
    model, batch = small("aae", posterior="deterministic"), some(5)
    assert torch.equal(model.draw(batch, noise(1)), model.draw(batch, noise(2)))
    assert torch.equal(model.draw(batch, noise(1)), model.encode(batch.images))


def test_a_gaussian_posterior_has_the_encoders_mean_and_variance():
    model, image = small("aae", posterior="gaussian"), some(1)
    outputs = model.encoder(image.images)
    mean, log_variance = outputs[:, :3], outputs[:, 3:]
    assert torch.equal(model.encode(image.images), mean)
    many = Batch(image.images.expand(40_000, -1, -1, -1), torch.zeros(40_000))
    with torch.no_grad():
        codes = model.draw(many, noise())
    torch.testing.assert_close(codes.mean(0), mean[0].detach(), atol=0.03, rtol=0)
    torch.testing.assert_close(codes.var(0).log(), log_variance[0].detach(), atol=0.03, rtol=0)


def test_a_universal_posterior_is_a_function_of_image_and_noise():
    model, batch = small("aae", posterior="universal"), some(5)
    first, second = model.draw(batch, noise(1)), model.draw(batch, noise(2))
    assert (first != second).all()
    zeros = torch.zeros(5, 3)
    by_hand = model.encoder(torch.cat([batch.images.flatten(1), zeros], dim=1))
    assert torch.equal(model.encode(batch.images), by_hand)
    assert model.encoder[1].in_features == 64 + 3


def test_noise_moves_a_gaussian_code_along_a_line_and_a_universal_one_anywhere():
    images = some(1).images.expand(3, -1, -1, -1)
    eta = 5 * torch.arange(3.0)[:, None].expand(-1, 3)
    for posterior, straight in (("gaussian", True), ("universal", False)):
        codes = small("aae", posterior=posterior).codes(images, eta).double()
        bend = (codes[2] - 2 * codes[1] + codes[0]).abs().max() / (codes[2] - codes[0]).abs().max()
        assert (bend < 1e-5) == straight


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_the_three_players_of_aae_move_discriminator_encoder_and_autoencoder(posterior):
    moves = [{"discriminator"}, {"encoder"}, {"encoder", "decoder"}]
    for index, expected in enumerate(moves):
        model = small("aae", posterior=posterior)
        before = state(model)
        take(model, index, [some(8)])
        moved = {
            name for name, value in state(model).items() if not torch.equal(value, before[name])
        }
        assert {name.split(".")[0] for name in moved} == expected
        assert moved == {name for name in before if name.split(".")[0] in expected}


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_each_player_of_aae_reports_its_own_terms_and_the_loss_is_the_reconstruction(posterior):
    model, batch = small("aae", posterior=posterior), some(6)
    terms = [set(player.losses(batch, noise())) for player in model.players()]
    assert terms == [{"discriminator", "within_prior"}, {"generator"}, {"reconstruction"}]
    losses = model.losses(batch, noise())
    assert torch.equal(model.loss(losses), losses["reconstruction"])


def test_the_losses_of_aae_written_out():
    model, batch = small("aae"), some(6)
    losses = model.losses(batch, noise())
    codes = model.encode(batch.images)
    squares = (model.decode(codes) - batch.images).square().sum(dim=(1, 2, 3))
    prior = torch.empty(6, 3).normal_(generator=noise())
    on_prior, on_codes = (torch.sigmoid(model.discriminator(of))[:, 0] for of in (prior, codes))
    torch.testing.assert_close(losses["reconstruction"], squares)
    torch.testing.assert_close(losses["discriminator"], -on_prior.log() - (1 - on_codes).log())
    torch.testing.assert_close(losses["generator"], -on_codes.log())
    lengths = codes.square().sum(dim=1)  # χ² of three degrees of freedom: 95 % lie below 7.815
    assert torch.equal(losses["within_prior"], (lengths <= 7.815).float())


def square(n, dimensions=2):
    """Points in the unit cube, evenly spread."""
    return torch.rand(n, dimensions, generator=random_generator(0, "square"))


@pytest.mark.parametrize("dimensions", [2, 5])
@pytest.mark.parametrize("name", list(PRIORS))
def test_a_prior_maps_the_unit_cube_to_its_draws_and_holds_95_percent_of_them(name, dimensions):
    prior = PRIORS[name](dimensions)
    draws, mapped = prior.draw(20_000, noise()), prior.quantile(square(20_000, dimensions))
    torch.testing.assert_close(draws.mean(0), mapped.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(draws.T.cov(), mapped.T.cov(), atol=0.06, rtol=0)
    for codes in (draws, mapped):
        within = (prior.log_density(codes) >= prior.threshold).float().mean().item()
        assert within == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("name", list(PRIORS))
def test_the_density_of_a_prior_integrates_to_1_and_gives_its_draws_their_place(name):
    prior, line = PRIORS[name](2), torch.linspace(-5, 5, 501)
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)
    mass = prior.log_density(grid).exp() * (line[1] - line[0]) ** 2
    assert mass.sum().item() == pytest.approx(1, abs=1e-3)
    right = prior.draw(20_000, noise())[:, 0] > 1
    assert mass[line > 1].sum().item() == pytest.approx(right.float().mean().item(), abs=0.01)


def test_the_mixture_is_ten_rays_and_the_roll_two_turns():
    codes = PRIORS["mixture"](2).draw(5000, noise())
    angles = torch.atan2(codes[:, 1], codes[:, 0]) * 10 / (2 * math.pi)
    assert (angles - angles.round()).abs().mean() < 0.15  # 0.25 for angles without a preference
    roll = PRIORS["swiss_roll"](2)
    assert roll.means.norm(dim=1).max() == pytest.approx(3, abs=0.01)
    turns = torch.atan2(roll.means[:, 1], roll.means[:, 0]).diff().lt(-3).sum()
    assert turns == 2  # times over the cut at π


def test_the_priors_of_a_plane_need_two_dimensions():
    for name in ("mixture", "swiss_roll"):
        with pytest.raises(UserError, match="latent_dim is 1"):
            build("aae", 1, prior=name)


@pytest.mark.parametrize("prior", ["mixture", "swiss_roll"])
def test_aae_draws_and_judges_by_the_prior_that_it_was_given(prior):
    model, batch = small("aae", latent_dim=2, prior=prior), some(6)
    codes = PRIORS[prior](2).draw(5, noise())
    assert torch.equal(model.sample(5, noise()), model.decode(codes))
    assert torch.equal(model.log_prior(codes), PRIORS[prior](2).log_density(codes))
    of_prior = model.discriminator(PRIORS[prior](2).draw(6, noise()))
    expected = discriminator_loss(of_prior, model.discriminator(model.encode(batch.images)))
    torch.testing.assert_close(model.losses(batch, noise())["discriminator"], expected[:, 0])


# What they learn


def gaussian_points(n=4000):
    """Images of one pixel, drawn from N(0.5, 0.1²) and rounded to bytes."""
    values = torch.empty(n, 1, 1, 1).normal_(0.5, 0.1, generator=random_generator(0, "points"))
    points = values.clamp(0, 1).mul(255).round().to(torch.uint8)
    labels = torch.zeros(n, dtype=torch.uint8)
    return Images(points, labels, points[:100], labels[:100])


@pytest.mark.parametrize("seed", range(3))
def test_a_gan_fits_a_normal_distribution(seed):
    """Over the last five of 20 epochs, as the two circle around each other.

    The mean of the samples is then that of the data to 0.02, a fifth of a standard deviation, and
    their standard deviation to a fifth; before training they are not.
    """
    data = gaussian_points()
    settings = {
        "optimizer": "adam_gan",
        "learning_rate": 1e-3,
        "epochs": 20,
        "batch_size": 100,
        "precision": "float32",
        "seed": seed,
    }
    model = build("gan", 1, data.shape, seed, hidden=32, discriminator_steps=5)
    spreads, means = [], []

    def look(_row):
        with torch.no_grad():
            samples = model.sample(4000, random_generator(0, "samples"))
        means.append(samples.mean().item())
        spreads.append(samples.std().item())

    look(None)
    outcome = Training(model, data, settings).run(look)
    assert not outcome.diverged
    assert spreads[0] != pytest.approx(0.1, rel=0.2)
    assert sum(means[-5:]) / 5 == pytest.approx(0.5, abs=0.02)
    assert sum(spreads[-5:]) / 5 == pytest.approx(0.1, rel=0.2)


def test_a_trained_critic_finds_the_distance_of_two_points(monkeypatch):
    """All real images are 0.6 and all fakes 0.2 in 64 pixels: W₁ = 0.4·√64 = 3.2."""
    model = small("wgan")
    monkeypatch.setattr(model, "fakes", lambda batch, _: torch.full_like(batch.images, 0.2))
    batch = Batch(torch.full((20, *SMALL), 0.6), torch.zeros(20))
    assert model.loss(model.losses(batch, noise())).mean().item() < 1.5
    take(model, 0, [batch] * 150)
    losses = model.losses(batch, noise())
    # By the penalty's weight the norm settles a little above 1: at 1 + distance/(2·10) in theory.
    assert model.loss(losses).mean().item() == pytest.approx(3.2 * (1 + 3.2 / 20), rel=0.03)
