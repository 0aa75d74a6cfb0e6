"""How one trial reads its weights: every way gives the same numbers, and what was measured is kept and checked."""

import json
import math
import subprocess

import brian2 as b2
import numpy as np
import pytest
from brian2.codegen.cpp_prefs import get_compiler_and_args

from organics_neuro.brian.kernels import choices
from organics_neuro.brian.kernels.choices import STREAMS, USUAL, Choice
from organics_neuro.brian.kernels.vectors import with_vectors

#: Every number of target units around the widths of panels and groups, both precisions, forwards and backwards.
CHECK = """
#include <cmath>
#include <cstdio>
template <typename Real, int S, bool ahead>
double worst()
{
    double most = 0;
    for (int m = 1; m < 150; m += m < 70 ? 1 : 13)
        for (int n : {1, 2, 7, 16, 33})
        {
            std::vector<Real> matrix(m*n), x(n), r(m + 1, 77);
            for (int k = 0; k < m*n; k++) matrix[k] = std::sin(3.0*k + m);
            for (int j = 0; j < n; j++) x[j] = std::cos(2.0*j);
            organics_pack(matrix.data(), m, n, SUMS/S*organics_vector<Real>::lanes);
            for (int back = 0; back < 2; back++)
            {
                for (int i = 0; i < m; i++) r[i] = NAN;
                organics_streams<Real, S, ahead>(x.data(), r.data(), m, n, organics_panels_of<Real>(matrix.data()).packed, back);
                for (int i = 0; i < m; i++)
                {
                    double sum = 0, scale = 0;
                    for (int j = 0; j < n; j++) sum += (double)matrix[i*n + j]*x[j], scale += std::abs((double)matrix[i*n + j]*x[j]);
                    const double error = std::abs(r[i] - sum)/scale;
                    if (!(error <= most)) most = error;
                }
                if (r[m] != 77) most = 1;
            }
        }
    return most;
}
int main() { PRINTS }
"""


def test_every_way_to_read_gives_the_product(tmp_path):
    prints = " ".join(
        f'printf("%g %g\\n", worst<double, {streams}, {ahead}>(), worst<float, {streams}, {ahead}>());'
        for streams in STREAMS
        for ahead in ("false", "true")
    )
    source = with_vectors("streams.cpp", "panels.cpp", SUMS=choices.SUMS, AHEAD=choices.AHEAD)
    (tmp_path / "check.cpp").write_text(source + CHECK.replace("SUMS", str(choices.SUMS)).replace("PRINTS", prints))
    command = ["g++", *get_compiler_and_args()[1], "check.cpp", "-o", "check"]
    subprocess.run(command, cwd=tmp_path, check=True)
    lines = subprocess.run(["./check"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == 2 * len(STREAMS)
    for line in lines:
        double, single = map(float, line.split())
        assert double < 1e-14
        assert single < 1e-5


def test_what_saves_little_is_not_chosen():
    """The usual choice, unless another one is clearly faster; neighbours that choose the same are one."""
    fast = Choice(math.inf, 8, False)
    times = {100.0: {USUAL: 1.0, fast: 0.95}, 200.0: {USUAL: 1.0, fast: 0.8}, 400.0: {USUAL: 1.0, fast: 0.5}}
    assert choices._fastest(times) == (USUAL._replace(bytes=200.0), fast)
    assert choices._fastest({100.0: {USUAL: 1.0, fast: 0.95}}) == (USUAL,)


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """A cache of its own, and a machine that is measured in no time; returns how often it was."""
    calls = []

    def times(source, command):
        calls.append(command)
        return {100.0: {USUAL: 1.0, Choice(math.inf, 1, True): 0.5}}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(choices, "_times", times)
    choices._measured.cache_clear()
    yield calls
    choices._measured.cache_clear()


def test_a_machine_is_measured_once(measured, tmp_path):
    expected = (Choice(math.inf, 1, True),)
    for _ in range(2):
        assert choices.choices() == expected
        choices._measured.cache_clear()
    assert len(measured) == 1
    assert "CHOICE(1e300, 1, true)" in choices.cpp()
    (file,) = (tmp_path / "organics_neuro").glob("streams-*.json")
    for content in ("", "[]", '{"choices": [[1e999, 3, false]]}', '{"choices": [[100.0, 4, false]]}', '{"choices": 1}'):
        file.write_text(content)  # something else than what was written: measured anew
        choices._measured.cache_clear()
        assert choices.choices() == expected
    assert len(measured) == 6
    assert json.loads(file.read_text())["processor"]


def test_a_preference_overrides_what_was_measured(measured):
    b2.prefs.organics_neuro.streams = 2
    try:
        assert choices.choices() == (Choice(math.inf, 2, False),)
        assert not measured
        with pytest.raises(ValueError, match=r"organics_neuro.streams is 3, but must be 0 \(measured\), 1, 2, 4, 8"):
            b2.prefs.organics_neuro.streams = 3
        for value in (np.ones(3), "4", 4.0, None):
            with pytest.raises(
                ValueError, match=r"organics_neuro.streams is .*, but must be 0 \(measured\), 1, 2, 4, 8"
            ):
                b2.prefs.organics_neuro.streams = value
    finally:
        b2.prefs.organics_neuro.streams = 0


def test_without_a_compiler_the_usual_choice_is_taken(measured, monkeypatch):
    def fails(source, command):
        raise ValueError("g++ failed: no such instruction")

    monkeypatch.setattr(choices, "_times", fails)
    with pytest.warns(RuntimeWarning, match=r"could not be measured \(g\+\+ failed: no such instruction\)"):
        assert choices.choices() == (USUAL,)
