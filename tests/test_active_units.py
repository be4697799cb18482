"""How many dimensions a posterior uses, and of which models that is asked."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from latentgrid.evaluation.measures.active_units import active, measure
from latentgrid.files.atomic import write_json
from latentgrid.files.run_files import RunFiles
from latentgrid.results import trained
from tiny import seal, write_config

# The variances are 0, 0.0025 and 0.04.
MEANS = np.tile(np.array([[5.0, 0.0, -0.2], [5.0, 0.1, 0.2]], dtype=np.float32), (10, 1))


def test_dimensions_are_active_whose_means_vary():
    assert active(MEANS) == 1
    assert active(2.1 * MEANS) == 2


@pytest.mark.parametrize(
    ("model", "expected"),
    [("vae", {"active_units": 1}), ("gmvae", {"active_units": 1}), ("ae", {})],
)
def test_it_is_asked_of_models_with_a_posterior(tmp_path, model, expected):
    files = RunFiles(tmp_path / "run", tmp_path / "state")
    files.folder.mkdir()
    codes = torch.from_numpy(np.concatenate([MEANS, 100 * MEANS]))
    save_file({"2/codes": codes}, files.snapshots)
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 2})
    write_config(files, {"model": model})
    seal(files)
    first = trained.TestSet(np.zeros((20, 1, 8, 8), np.uint8), np.zeros(20, np.uint8))
    assert measure(trained.TrainedRun(files), first) == expected
