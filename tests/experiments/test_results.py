"""Results on disk: what is read is what was written, and a broken file is recognised."""

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning
from tests.parity.circuits import make_excitation_inhibition


@pytest.fixture(scope="module")
def datasets():
    ring, joined = on.ring(n=9), make_excitation_inhibition()
    inputs = {"stimulus": {"e.drive": np.ones(40)}, "mask_stimulus": {}}
    return [
        on.experiments.contrast_response(ring, [0.1, 1], [0, 0.5], engine="theory"),
        on.experiments.contrast_response(joined, [0.5], engine="theory", **inputs),
        on.experiments.power_spectrum(ring, [0.5], {"y": 1e-3}, engine="theory"),
    ]


@pytest.mark.parametrize("k", range(3))
def test_round_trip(datasets, tmp_path, k):
    path = tmp_path / "result.nc"
    on.experiments.save(datasets[k], path)
    xr.testing.assert_identical(on.experiments.load(path), datasets[k])
    on.experiments.save(datasets[0], path)  # an existing file is replaced, also one that has been read
    xr.testing.assert_identical(on.experiments.load(str(path)), datasets[0])
    assert list(tmp_path.iterdir()) == [path]


def test_broken_files(datasets, tmp_path):
    path = tmp_path / "result.nc"
    with pytest.raises(FileNotFoundError, match="no file .*result.nc"):
        on.experiments.load(path)
    on.experiments.save(datasets[0], path)
    whole = path.read_bytes()
    for broken in (b"", b"not NetCDF", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(FileFormatError, match="result.nc is not a readable NetCDF file"):
            on.experiments.load(path)


def test_a_flipped_bit_is_found(datasets, tmp_path):
    """In every hundredth byte, and in each of those of the checksum. HDF5 itself may hang on one."""
    path = tmp_path / "result.nc"
    on.experiments.save(datasets[0], path)
    whole = path.read_bytes()
    for at in (*range(0, len(whole), 100), *range(len(whole) - 90, len(whole))):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match="is damaged: its content does not agree with its checksum"):
            on.experiments.load(path)


@pytest.mark.parametrize("lost", [1, 85, 86, 100, 150])
def test_a_file_that_was_cut_is_damaged(datasets, tmp_path, lost):
    """Also where the checksum alone is missing; zeros in its place are no other thing."""
    path = tmp_path / "result.nc"
    on.experiments.save(datasets[0], path)
    whole = path.read_bytes()
    for damaged in (whole[:-lost], whole[:-lost] + bytes(lost)):
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match="is damaged|is not a readable NetCDF file"):
            on.experiments.load(path)


def test_what_the_classic_format_cannot_hold(datasets, tmp_path):
    """Long integers, dimensions without length, lists of texts: such files are NetCDF 4, and others read them, too."""
    path = tmp_path / "result.nc"
    odd = {
        "long": datasets[0].assign(seed=2**40),
        "seed": datasets[0].assign_attrs(seed=2**40),
        "empty": datasets[0].isel(mask=slice(0)),
        "texts": datasets[0].assign_attrs(names=["a", "b"]),
    }
    for dataset in odd.values():
        on.experiments.save(dataset, path)
        assert path.read_bytes().startswith(b"\x89HDF")
        xr.testing.assert_identical(on.experiments.load(path), dataset)


def test_types_are_kept(tmp_path):
    values = {
        "integer": ("x", np.array([-(2**31), 2**31 - 1])),
        "flag": ("x", np.array([True, False])),
        "text": ("x", np.array(["", "Größe, µm"])),
        "number": ("x", np.array([np.nan, -np.inf])),
    }
    dataset = xr.Dataset(values, {"x": np.arange(2)}, {"title": "ein Test für µ", "count": 3, "share": 0.1})
    on.experiments.save(dataset, tmp_path / "result.nc")
    found = on.experiments.load(tmp_path / "result.nc")
    assert (tmp_path / "result.nc").read_bytes().startswith(b"CDF")
    xr.testing.assert_identical(found, dataset)
    kinds = {name: variable.dtype.kind for name, variable in dataset.variables.items()}
    assert {name: variable.dtype.kind.replace("O", "U") for name, variable in found.variables.items()} == kinds
    assert found.integer.dtype == found.x.dtype == np.int64


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_files_of_others_are_read_with_a_warning(datasets, tmp_path, engine):
    datasets[0].to_netcdf(tmp_path / "other.nc", engine=engine)
    with pytest.warns(UncheckedFileWarning, match="other.nc has no checksum, so damage to it would go unnoticed"):
        xr.testing.assert_identical(on.experiments.load(tmp_path / "other.nc"), datasets[0])


def test_others_read_our_files(datasets, tmp_path):
    on.experiments.save(datasets[0], tmp_path / "result.nc")
    with xr.open_dataset(tmp_path / "result.nc") as dataset:
        assert dataset.attrs.pop("organics_neuro_checksum") == "sha256, in the last line of the file"
        xr.testing.assert_identical(dataset.load(), datasets[0])


def test_a_full_disk_is_one_sentence_and_leaves_the_old_dataset(datasets, tmp_path):
    """A limit on the size of files stands for the disk; HDF5, which writes to it by itself, would end the process."""
    resource, path = pytest.importorskip("resource"), tmp_path / "result.nc"
    on.experiments.save(datasets[0], path)
    before, old = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, old[1]))
    try:
        with pytest.raises(
            OSError, match=r"result.nc could not be written \(File too large\); what was there .* kept$"
        ):
            on.experiments.save(datasets[1], path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_bad_input(datasets, tmp_path):
    with pytest.raises(TypeError, match="dataset must be an xarray.Dataset.*got ndarray"):
        on.experiments.save(np.ones(3), tmp_path / "result.nc")
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        on.experiments.save(datasets[0], tmp_path / "nowhere" / "result.nc")
    cannot_be_written = datasets[0].assign_attrs(oops=object())
    with pytest.raises(TypeError, match="the dataset cannot be written as NetCDF: "):
        on.experiments.save(cannot_be_written, tmp_path / "result.nc")
    assert not list(tmp_path.iterdir())
