"""C++ programs are compiled with headers that were compiled before; where that is not possible, without."""

import re
import shutil
import subprocess
import sys

import brian2 as b2
import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.brian.kernels import headers

pytestmark = pytest.mark.skipif(sys.platform != "linux" or shutil.which("g++") is None, reason="for GCC on Linux")


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """The header for some flags and some command, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache of $me"))
    headers._compiled.cache_clear()
    yield headers._compiled
    headers._compiled.cache_clear()


def test_programs_are_compiled_with_them(compiled, tmp_path):
    on.use_device("cpp", directory=str(tmp_path / "program"), build_on_run=False)
    group = on.CircuitGroup(on.Circuit("two_type", size=1))
    group.z = 1
    b2.run(10 * b2.ms)
    b2.device.build(directory=str(tmp_path / "program"), compile=False, run=False)
    (header,) = tmp_path.glob("a cache*/organics_neuro/headers-*/standard.h")
    said = subprocess.run(["make", "CXX=g++ -H"], cwd=tmp_path / "program", capture_output=True, text=True, check=True)
    used = [line for line in said.stderr.splitlines() if line.endswith("standard.h.gch")]
    (sources,) = re.findall("^SRCS = (.*)$", (tmp_path / "program" / "makefile").read_text(), re.MULTILINE)
    assert len(used) == len(sources.split())
    assert all(line.startswith("! ") for line in used)  # as GCC marks compiled headers that fit


def test_they_are_made_once(compiled, capsys):
    header = compiled("g++", "-O1")
    assert "compiling the headers of C++ programs, once" in capsys.readouterr().err
    compiled.cache_clear()
    assert compiled("g++", "-O1") == header
    assert "compiling" not in capsys.readouterr().err
    assert compiled("g++", "-O1 -fopenmp") != header


@pytest.mark.parametrize(
    ("command", "flags"),
    [("no-such-compiler", ""), ("g++", "-no-such-flag"), ("echo another compiler", ""), ("false", ""), ("g++ '", "")],
)
def test_without_them_there_is_no_argument(compiled, monkeypatch, command, flags):
    monkeypatch.setenv("CXX", command)
    assert headers.include(flags) == ""


def test_a_cache_that_cannot_be_written(compiled, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert headers.include("-O1") == ""


def test_results_are_the_same(tmp_path, monkeypatch):
    """What runs once is optimized less; nothing else changes."""
    results = []
    for compiled in (headers._compiled, lambda command, flags: None):
        monkeypatch.setattr(headers, "_compiled", compiled)
        on.use_device("cpp", directory=str(tmp_path / f"program{len(results)}"))
        group = on.CircuitGroup(on.ring(9))
        group.z = np.arange(9) / 9
        b2.run(20 * b2.ms)
        results.append(np.array(group.y[:]))
        on.use_device("runtime")
    np.testing.assert_array_equal(*results)
    made = [(tmp_path / f"program{k}" / "makefile").read_text() for k in range(2)]
    assert ["standard.h" in text for text in made] == [True, False]
