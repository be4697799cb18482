"""The commands that use trained runs: sample, encode, reconstruct, export."""

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import latentgrid as lg
from latentgrid.api import export as exporting
from latentgrid.api.runs import Run
from latentgrid.cli import app
from latentgrid.errors import UserError
from networks import build
from trained import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory, few_images):
    return train(tmp_path_factory.mktemp("project"), few_images, "vae", latent_dim=2)


@pytest.fixture
def command(folder, tmp_path, monkeypatch):
    """Call a command on the run in a folder of its own; a mistake is raised."""
    monkeypatch.chdir(tmp_path)

    def call(name, *options):
        done = CliRunner().invoke(app, [name, str(folder), *map(str, options)])
        if isinstance(done.exception, UserError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return call


def test_samples_as_a_sheet_arrays_and_a_table(command, folder):
    run = lg.load(folder)
    assert command("sample", "-n", 5) == "samples.png: 5 images of vae, seed 0\n"
    with Image.open("samples.png") as sheet:
        assert sheet.size == (2 + 3 * 58, 2 + 2 * 58)  # 28 pixels are shown as 56, with gaps of 2
        first = np.asarray(sheet)[2:58:2, 2:58:2]
    assert np.array_equal(first, np.rint(run.sample(5)[0, 0] * 255))
    command("sample", "-n", 2, "--seed", 3, "--out", "s.npz")
    with np.load("s.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], run.sample(2, seed=3))
    command("sample", "-n", 2, "--out", "s.csv")
    assert np.allclose(pd.read_csv("s.csv").to_numpy(), run.sample(2).reshape(2, -1))


def test_codes_of_the_test_images_of_pictures_and_of_arrays(command, folder, tmp_path):
    run = lg.load(folder)
    images = run.test_set.images[:3]
    command("encode", "-n", 3)
    with np.load("codes.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["codes"], run.encode(images))
        assert arrays["names"].tolist() == ["0", "1", "2"]
    (tmp_path / "pictures/deep").mkdir(parents=True)
    for number, name in enumerate(("deep/=c.png", "a.png", "b.png")):
        Image.fromarray(images[number, 0]).save(tmp_path / "pictures" / name)
    command("encode", "--images", "pictures", "--out", "c.csv")
    table = pd.read_csv("c.csv")
    assert table["name"].tolist() == ["a.png", "b.png", "deep/=c.png"]
    assert np.allclose(table[["code_1", "code_2"]], run.encode(images[[1, 2, 0]]))
    np.savez("images.npz", images=images / 255)
    command("encode", "--images", "images.npz", "--out", "c.npz", "-n", 2)
    with np.load("c.npz") as arrays:
        assert np.allclose(arrays["codes"], run.encode(images[:2]), atol=1e-5)


def test_reconstructions_below_their_images(command, folder):
    run = lg.load(folder)
    images = run.test_set.images[:12]
    said = command("reconstruct", "-n", 12)
    error = np.square(run.reconstruct(images) - images / 255).sum(axis=(1, 2, 3)).mean()
    assert said == f"reconstructions.png: 12 images, squared error {error:.4g} per image\n"
    with Image.open("reconstructions.png") as sheet:
        pixels = np.asarray(sheet)[2:, 2:][::2, ::2]
    assert pixels.shape == (4 * 29, 10 * 29)
    again = np.rint(run.reconstruct(images) * 255)[:, 0]
    assert np.array_equal(pixels[58:86, 29:57], images[11, 0])
    assert np.array_equal(pixels[87:115, 29:57], again[11])
    assert (pixels[58:, 58:] == 255).all()


def test_nothing_is_replaced_without_a_word(command):
    command("sample", "-n", 1)
    with pytest.raises(UserError, match=r"samples\.png: exists; name another by --out, or"):
        command("sample", "-n", 2)
    command("sample", "-n", 2, "--force")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("name", ["/proc/a.png", "/proc/new/a.npz"])
def test_a_folder_that_takes_no_files_is_said_before_anything_is_computed(command, name):
    with pytest.raises(UserError, match=rf"^--out: found {name}; .* takes no files$"):
        command("sample", "--out", name)


def test_a_link_to_nothing_is_not_replaced_either(command, tmp_path):
    (tmp_path / "link.png").symlink_to("later.png")
    with pytest.raises(UserError, match=r"link\.png: exists"):
        command("sample", "--out", "link.png")
    assert (tmp_path / "link.png").is_symlink()


def test_a_picture_that_is_too_large_is_refused(command, monkeypatch):
    Image.new("L", (30, 30)).save("large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match=r"large\.png: cannot be read as a picture \(Image size"):
        command("encode", "--images", "large.png")


REFUSED = [
    (("sample", "--out", "ä" * 119 + ".png"), "--out: found a name of more than 240 bytes"),
    (("sample", "--out", "s.gif"), r"--out: found s\.gif; allowed: .*\.png, \.npz, \.csv"),
    (("encode", "--images", "none"), "--images: found none, where there is nothing"),
    (("encode", "--images", "."), r"\.: has no picture; allowed"),
    (("encode", "--images", "bad.png"), r"bad\.png: cannot be read as a picture"),
    (("encode", "--images", "bad.npz"), r"bad\.npz: is no \.npz file of arrays"),
    (("encode", "--images", "array.npz"), r"array\.npz: is no \.npz file of arrays"),
    (("encode", "--images", "number.npz"), r"number\.npz: images: found shape \(\)"),
    (("encode", "--images", "x" * 300), "--images: found x+, where there is nothing"),
    (("encode", "--images", "other.npz"), "holds pictures; allowed: an array called images"),
    (("encode", "--images", "small.npz"), r"small\.npz: images: found shape \(1, 4\)"),
    (("encode", "--images", "objects.npz"), r"objects\.npz: is no \.npz file of arrays"),
]


@pytest.mark.parametrize(("words", "reason"), REFUSED)
def test_what_cannot_be_read_or_written_is_refused(words, reason, command, tmp_path):
    if words[-1].startswith("bad"):
        (tmp_path / words[-1]).write_bytes(b"no picture")
    np.savez("other.npz", pictures=np.zeros(3))
    np.savez("number.npz", images=np.uint8(3))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    np.savez("small.npz", images=np.zeros((1, 4)))
    np.savez("objects.npz", images=np.array([{}]))
    with pytest.raises(UserError, match=reason):
        command(*words)
    assert not (tmp_path / "codes.npz").exists()


def test_onnx_agrees_for_any_number_of_images(command, folder):
    run = lg.load(folder)
    said = command("export").splitlines()
    assert [line.partition(":")[0] for line in said] == ["onnx/encoder.onnx", "onnx/decoder.onnx"]
    assert all(line.endswith("(allowed: 1e-04)") for line in said)
    images = (run.test_set.images[:7] / 255).astype(np.float32)
    (codes,) = onnxruntime.InferenceSession("onnx/encoder.onnx").run(None, {"images": images})
    assert np.allclose(codes, run.encode(images), atol=1e-5)
    (again,) = onnxruntime.InferenceSession("onnx/decoder.onnx").run(None, {"codes": codes})
    assert np.allclose(again, run.reconstruct(images), atol=1e-5)
    with pytest.raises(UserError, match=r"onnx/encoder\.onnx: exists"):
        command("export")


def test_a_graph_that_disagrees_is_not_written(command, folder, tmp_path, monkeypatch):
    write = exporting._write

    def other(module, *rest):
        *_, last = module.model.encoder.parameters()
        with torch.no_grad():
            last += 1
            write(module, *rest)
            last -= 1

    monkeypatch.setattr(exporting, "_write", other)
    with pytest.raises(UserError, match=r"codes differ from ours by .*; nothing was written"):
        command("export")
    assert not list((tmp_path / "onnx").iterdir())


class Untrained(Run):
    """A model that stands for that of a run."""

    def __init__(self, name, shape):
        self.model = build(name, shape=shape).eval()
        self.shape = shape

    @property
    def image_shape(self):
        return self.shape


def test_models_with_unlike_layers_have_a_form_in_onnx(tmp_path):
    shape = (3, 16, 16)
    for name in ("conv_ae", "conv_vae", "gmvae_2016", "pca", "dae"):
        run = Untrained(name, shape)
        assert exporting.export_encoder(run, tmp_path / "e.onnx") < 1e-5
        assert exporting.export_decoder(run, tmp_path / "d.onnx") < 1e-5
    gan = Untrained("gan", shape)
    assert exporting.export_decoder(gan, tmp_path / "d.onnx") < 1e-5
    with pytest.raises(UserError, match="GAN: cannot encode"):
        exporting.export_encoder(gan, tmp_path / "e.onnx")
