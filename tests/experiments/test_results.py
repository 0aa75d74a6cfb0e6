"""Results on disk: what is read is what was written, and a broken file is recognised."""

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.core.errors import FileFormatError
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


def test_bad_input(datasets, tmp_path):
    with pytest.raises(TypeError, match="dataset must be an xarray.Dataset.*got ndarray"):
        on.experiments.save(np.ones(3), tmp_path / "result.nc")
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        on.experiments.save(datasets[0], tmp_path / "nowhere" / "result.nc")
    cannot_be_written = datasets[0].assign_attrs(oops=object())
    with pytest.raises(TypeError):
        on.experiments.save(cannot_be_written, tmp_path / "result.nc")
    assert not list(tmp_path.iterdir())
