"""The data are made again when what a source reads from `mirror` changes."""

import pytest

from latentgrid.errors import UserError
from latentgrid.grid import plugins
from latentgrid.grid.datasets import Source
from latentgrid.pipeline import mirror

ANY = "SAME_FROM_ANY_MIRROR = True\n"


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch):
    """Sources `reads` and `verifies`, in files of a plugin folder."""
    folder = tmp_path / "extensions" / "datasets"
    folder.mkdir(parents=True)
    (folder / "reads.py").write_text('"""Reads the mirror."""\n')
    (folder / "verifies.py").write_text(f'"""Verifies what it fetches."""\n{ANY}')
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    plugins.choose([str(folder.parent)])


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "mirror"
    (place / "below").mkdir(parents=True)
    (place / "one.npy").write_bytes(b"1")
    (place / "below" / "two.npy").write_bytes(b"2")
    return place


def of(place, source="reads"):
    return mirror.fingerprint(Source(source), None if place is None else str(place))


def test_the_text_alone_counts_where_there_is_no_folder():
    given = [None, "a", "b", "http://127.0.0.1:9/a", "https://127.0.0.1:9/a"]
    found = [of(place) for place in given]
    assert len(set(found)) == len(given)
    assert found == [of(place) for place in given]


def content(folder):
    (folder / "below" / "two.npy").write_bytes(b"3")


def name(folder):
    (folder / "one.npy").rename(folder / "uno.npy")


def another_file(folder):
    (folder / "three.npy").write_bytes(b"")


def one_file_less(folder):
    (folder / "one.npy").unlink()


def exchanged(folder):
    (folder / "one.npy").write_bytes(b"2")
    (folder / "below" / "two.npy").write_bytes(b"1")


@pytest.mark.parametrize("change", [content, name, another_file, one_file_less, exchanged])
def test_a_change_in_the_folder_is_seen(folder, change):
    before = of(folder)
    assert of(folder) == before
    change(folder)
    assert of(folder) != before


def test_dates_are_none_of_it(folder):
    before = of(folder)
    (folder / "one.npy").write_bytes(b"1")
    assert of(folder) == before


def test_a_single_file_is_read(tmp_path):
    archive = tmp_path / "all.npz"
    archive.write_bytes(b"1")
    before = of(archive)
    archive.write_bytes(b"2")
    assert of(archive) != before


def test_a_source_that_verifies_what_it_fetches_is_the_same_from_anywhere(folder):
    assert of(folder, "verifies") is None
    assert of(None, "verifies") is None


def test_a_home_that_is_none_is_named():
    with pytest.raises(UserError, match=r"^mirror: ~nobody-of-this-name/x: "):
        of("~nobody-of-this-name/x")


@pytest.mark.parametrize("source", ["digits", "mnist"])
def test_our_own_sources_say_so(source):
    assert mirror.fingerprint(Source(source), "anywhere") is None
