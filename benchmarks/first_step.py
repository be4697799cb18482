"""A training job until its first step, but for what it writes: prints the seconds since a time.

`python -m latentgrid.jobs.client first_step SETTINGS IMAGES TIME`
"""

import json
import sys
import time
from pathlib import Path

import latentgrid.steps.train  # noqa: F401 - what a job imports before it knows its device
from latentgrid.jobs.devices import take_device

take_device("cpu", 1)

from latentgrid.training.loop import Training  # noqa: E402
from latentgrid.training.run import load_data, new_model  # noqa: E402

settings, images, begun = sys.argv[1:]
data = load_data(Path(images), "cpu")
Training(new_model(json.loads(settings), data, "cpu"), data, json.loads(settings))
print(time.time() - float(begun))
