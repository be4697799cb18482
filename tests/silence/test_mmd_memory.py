"""The MMD holds a value a pair of codes, none a pair and dimension, and is as exact as before."""

import subprocess
import sys

import pytest
import torch

from latentgrid.models.mmd_vae import kernel, mmd

MEGABYTE = 2**20


def eager(x, y):
    """The kernel from the tensor of all differences."""
    return torch.exp(-(x[:, None] - y[None]).square().mean(dim=2) / x.shape[1])


def slope(first, second):
    second = second.clone().requires_grad_()
    value = mmd(first, second)
    return value.detach(), torch.autograd.grad(value, second)[0]


@pytest.mark.parametrize("d", [1, 2, 50])
def test_the_kernel_is_the_published_one(d):
    draw = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, d, generator=draw, dtype=torch.float64) for n in (7, 600))
    torch.testing.assert_close(kernel(x, y), eager(x, y), rtol=1e-14, atol=0)
    torch.testing.assert_close(kernel(y, x), eager(x, y).T, rtol=1e-14, atol=0)
    assert torch.equal(kernel(x, x).diagonal(), torch.ones(7, dtype=torch.float64))


@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0, 30.0])
@pytest.mark.parametrize("away", [0.0, 300.0])
def test_single_precision_keeps_its_digits(spread, away):
    """Also where codes are all the same, close together far from 0, or long."""
    draw = torch.Generator().manual_seed(0)
    prior = torch.randn(100, 20, generator=draw)
    codes = away + spread * torch.randn(100, 20, generator=draw)
    (value, gradient), (exact, exact_gradient) = (
        slope(prior.to(kind), codes.to(kind)) for kind in (torch.float32, torch.float64)
    )
    assert float(value) == pytest.approx(float(exact), abs=1e-6)
    assert (gradient - exact_gradient).abs().max() <= 1e-5 * exact_gradient.abs().max()


def test_the_same_codes_give_the_same_bits():
    draw = torch.Generator().manual_seed(0)
    prior, codes = torch.randn(300, 20, generator=draw), torch.randn(300, 20, generator=draw)
    first, second = slope(prior, codes), slope(prior, codes)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_two_thousand_codes_of_fifty_dimensions_take_no_gigabyte():
    """A tensor of all differences has 800 megabytes, and a step held six of them."""
    script = """
import resource, torch
from latentgrid.models.mmd_vae import mmd
torch.set_num_threads(1)
codes = torch.randn(2000, 50, requires_grad=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mmd(torch.randn(2000, 50), codes).backward()
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 400 * MEGABYTE
