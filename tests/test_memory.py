"""What a training step frees is kept for the next one."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from latentgrid.data import Images
from latentgrid.jobs.memory import keep_freed_memory
from latentgrid.training.loop import Training
from latentgrid.training.run import new_model

{call}
torch.set_num_threads(1)
settings = dict(
    model="conv_vae", hyperparameters=dict(latent_dim=2), seed=0, epochs=10, batch_size=100,
    precision="float32", optimizer="adam", learning_rate=0.001,
)
images = torch.zeros(500, 1, 28, 28, dtype=torch.uint8)
labels = torch.zeros(500, dtype=torch.uint8)
data = Images(images, labels, images[:1], labels[:1])
faults = []
count = lambda row: faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
Training(new_model(settings, data, "cpu"), data, settings).run(count)
print(faults[-1] - faults[4])
"""


def page_faults(call):
    """Return how often five epochs had to ask the system for memory."""
    program = PROGRAM.format(call=call)
    return int(subprocess.check_output([sys.executable, "-c", program]))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be asked")
def test_training_does_not_ask_for_the_same_memory_again_and_again():
    assert page_faults("keep_freed_memory()") < page_faults("") / 10
