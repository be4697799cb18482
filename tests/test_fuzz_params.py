"""Whatever stands in params.yaml: a message that names file and key, or runs with sound names."""

import copy
import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz import cases, end_of, spoilt
from latentgrid.files.layout import Layout
from latentgrid.grid import messages, reading
from latentgrid.grid.runs import planned_runs

VALID = {
    "dataset": "digits",
    "mirror": None,
    "seeds": [0, 1],
    "training": {
        "epochs": 2,
        "batch_size": 100,
        "validation": 0.1,
        "device": "auto",
        "jobs_per_gpu": 1,
    },
    "snapshots": {"epochs": [1, 5], "samples": 64, "manifold": 16},
    "evaluation": {
        "test_images": 100,
        "judge": "lenet5",
        "likelihood": {"images": 50, "draws": 50},
    },
    "figures": {"samples": ["vae", "thin_vae"], "latent": "all"},
    "models": {
        "vae": {"latent_dim": [2, 3], "optimizer": "adam", "learning_rate": [0.001, 0.01]},
        "thin_vae": {
            "model": "vae_bce",
            "latent_dim": 2,
            "hidden": 8,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "schedule": ["cosine", "step"],
            "warm_up": 1,
            "weight_decay": 0.01,
            "clip_norm": 1.0,
            "kl_warm_up": 1,
            "patience": 1,
        },
        "lenet5": {"optimizer": "adam", "learning_rate": 0.001, "epochs": 1},
    },
}
ODD_TEXT = st.sampled_from(
    [
        *("", "..", "../..", "/etc/passwd", "a/b", "a\\b", "~", "~nobody/x", "\x00", "\x1b[31m"),
        *(
            "a\nb",
            "\u2028",
            "\u202e",
            "é",
            "数",
            "💥",
            "x" * 300,
            "x" * 5000,
            "null",
            "true",
            "1e4",
        ),
        *(
            "vae",
            "all",
            "http://",
            "http://[",
            "http://me:secret@host/",
            "https://host/?key=secret",
        ),
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**30, 10**400, -(10**400), 1e308, 5e-324]),
)
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, ODD_TEXT, st.text(max_size=20), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(ODD_TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def wrong(draw):
    """A valid file's content with up to three changes, and the keys they were made at."""
    raw, changed = copy.deepcopy(VALID), []
    for _ in range(draw(st.integers(1, 3))):
        place, top = raw, None
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys)) if keys else None
            top = key if top is None else top
            below = place[key] if keys else None
            if not isinstance(below, dict | list) or draw(st.integers(0, 3)) == 0:
                break
            place = below
        change = draw(st.sampled_from(["replace", "replace", "delete", "add"]))
        if change == "add" or not keys:
            new = draw(st.one_of(ODD_TEXT, st.text(max_size=9), st.integers(), st.none()))
            place.append(new) if isinstance(place, list) else place.update({new: draw(ODD)})
            top = new if place is raw else top
        elif change == "delete":
            del place[key]
        else:
            place[key] = draw(ODD)
        changed.append(top)
    return raw, changed


def assert_sound(path):
    """Every run has a folder of its own below the results, with a name that every disk takes."""
    chosen = reading.load([path])
    layout = Layout(chosen.dataset)
    names = [run.name for run in planned_runs(chosen)]
    assert len(set(names)) == len(names) > 0
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*/[\w.=,+-]+/seed=\d+", name, re.ASCII)
        assert layout.run(name).folder.resolve().is_relative_to(layout.runs.resolve())
        assert len(layout.run(name).state.name) <= 240
    chosen.figures_to_draw()


@given(wrong())
@cases(120)
def test_wrong_values_are_named_with_file_and_key(tmp_path, drawn):
    raw, changed = drawn
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True), encoding="utf-8")
    said = end_of("params", lambda: assert_sound(path), f"{path}: ")
    assert said is None or "secret" not in said
    if said and "not valid YAML" not in said:
        # What depends on the changed key may be what is named.
        keys = {str(key) for key in changed if str(key).isprintable()} | {"figures", "judge"}
        shown = any(
            len(str(key)) > messages.MAX_LENGTH or not str(key).isprintable() for key in changed
        )
        assert shown or any(f"{path}: {key}" in said or key in said for key in keys)


@given(spoilt(yaml.safe_dump(VALID, sort_keys=False).encode()))
@example(b"a: &a [" + b"x, " * 9 + b"x]\nb: &b [" + b"*a, " * 9 + b"*a]\nseeds: [*b, *b]\n")
@example(b"seeds: &a [*a]\n")
@example(b"figures: &a {*a : *a}\n")
@example(b"seeds: 0x" + b"f" * 5000)
@example(b"[" * 3000)
@cases(60)
def test_a_file_that_was_spoilt_is_refused_by_name(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    end_of("params", lambda: assert_sound(path), f"{path}: ")


def test_aliases_that_stand_for_more_than_memory_holds(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 15)]
    path = tmp_path / "params.yaml"
    path.write_text("\n".join([*lines, "seeds: *a14"]))
    assert end_of("params", lambda: assert_sound(path), f"{path}: ", "more mistakes")


@pytest.mark.parametrize("letters", [200, 300])
def test_an_entry_whose_folders_no_disk_would_take_is_refused(tmp_path, letters):
    raw = copy.deepcopy(VALID)
    raw["models"]["a" * letters] = raw["models"]["vae"] | {"model": "vae"}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    assert end_of("params", lambda: assert_sound(path), "makes folders of", "240 in all")


def test_a_grid_that_no_machine_could_plan_is_refused(tmp_path):
    raw = copy.deepcopy(VALID)
    raw["models"]["vae"]["latent_dim"] = list(range(1, 401))
    raw["models"]["vae"]["learning_rate"] = [n / 1000 for n in range(1, 301)]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    assert end_of("params", lambda: assert_sound(path), "models.vae: too many values")


@pytest.mark.parametrize(
    "mirror",
    [
        *("http://me:secret@host/mnist", "https://secret@host/", "http://me:se/cr@et@host/"),
        *("https://host/mnist?token=secret", ["http://me:secret@host/"], {"http://me:secret@h": 1}),
    ],
)
def test_no_message_repeats_a_password(tmp_path, mirror):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(VALID | {"mirror": mirror}))
    said = end_of("params", lambda: assert_sound(path), "mirror: ")
    assert said
    assert "secret" not in said
    assert "cr@et" not in said
