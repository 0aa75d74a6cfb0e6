"""The compiled kernel is built once, also by several processes, and its absence harms nothing."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import kernels  # noqa: E402  needs torch
from organics_neuro.nn.kernels import build  # noqa: E402
from tests.nn.kernels.layers import make, needs_compiler  # noqa: E402


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """As in a new process with an empty cache."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    for cached in (build._load_once, build._warn_once):
        cached.cache_clear()
    yield monkeypatch
    for cached in (build._load_once, build._warn_once):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda m: m.setenv("CXX", "no-such-compiler"), "there is no C\\+\\+ compiler 'no-such-compiler'; install one"),
        (lambda m: m.setenv("CXX", "false"), "Command .*false.* returned non-zero exit status"),
        (lambda m: m.setattr(build.cpp_extension, "is_ninja_available", lambda: False), "pip install ninja"),
        (lambda m: m.setattr(build, "_FLAGS", ["--no-such-flag"]), "error: .*no-such-flag"),
    ],
)
def test_without_a_compiler(fresh, broken, reason):
    broken(fresh)
    rnn, x, start = make()
    with pytest.warns(RuntimeWarning, match=f"{reason}.*torch's own operations"):
        output, _ = rnn(x, start)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the warning comes once
        assert torch.equal(rnn(x, start)[0], output)
        assert not kernels.available()
    with pytest.raises(RuntimeError, match=f"cannot be built: .*{reason}"):
        make(kernel="fused")[0](x, start)


@pytest.fixture
def whole():
    """The library that other tests use."""
    build.operators()
    return build._cache() / f"{build._key()}.so"


@needs_compiler
@pytest.mark.parametrize("size", [0, 100, 20_000, 200_000])
def test_a_damaged_library_is_made_again(whole, fresh, size):
    """It is not even opened: the system ends a program that reads beyond the end of a library."""
    made = []
    fresh.setattr(build, "_build", made.append)
    library = build._cache() / whole.name
    library.write_bytes(whole.read_bytes()[:size])
    library.with_suffix(".sha256").write_bytes(whole.with_suffix(".sha256").read_bytes())
    assert kernels.available()
    assert made == [library]


def test_a_build_that_was_killed_stops_nobody(fresh, tmp_path):
    """The lock of a dead process is gone with it."""
    code = "import time; from organics_neuro.nn.kernels import build\nwith build._exclusive(build._cache() / 'x.so'): print(flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ)
    holder.stdout.readline()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    start = time.monotonic()
    with build._exclusive(build._cache() / "x.so"):
        assert time.monotonic() - start < 5


def test_what_a_killed_build_left_is_removed(fresh):
    """torch would wait for ever for the lock file of a build that no longer runs."""
    library = build._cache() / "x.so"
    folder = library.with_suffix(".build")
    folder.mkdir()
    (folder / "lock").touch()

    def load(name, sources, build_directory, **_):
        assert build_directory == str(folder)
        assert not (folder / "lock").exists()
        (folder / f"{name}.so").write_text("library")

    fresh.setattr(build.cpp_extension, "load", load)
    build._build(library)
    assert library.read_text() == "library"
    assert not folder.exists()


def _build_slowly(folder):
    """What a process does that finds no library; a file stands for it."""
    os.environ["TORCH_EXTENSIONS_DIR"] = folder
    build._loads = lambda library: library.exists()

    def compile(library):
        with open(os.path.join(folder, "builds"), "a") as file:
            file.write("x")
        time.sleep(0.2)
        library.touch()

    build._build = compile
    build._load_once.__wrapped__()


def test_processes_build_once(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_build_slowly, args=(str(tmp_path),)) for _ in range(3)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    assert [p.exitcode for p in processes] == [0, 0, 0]
    assert (tmp_path / "builds").read_text() == "x"


@pytest.mark.parametrize("file", build._FILES, ids=lambda file: file.name)
def test_a_change_of_any_source_is_another_library(monkeypatch, tmp_path, file):
    before, changed = build._key(), tmp_path / file.name
    changed.write_text(file.read_text() + "\n")
    monkeypatch.setattr(build, "_FILES", [changed if f == file else f for f in build._FILES])
    assert build._key() != before


def test_all_that_is_included_is_among_the_sources():
    included = {name for file in build._FILES for name in re.findall(r'#include "(.*)"', file.read_text())}
    assert included
    assert included <= {file.name for file in build._FILES}
    assert {*Path(build.__file__).parent.glob("*.[ch]*")} <= {*build._FILES}
