"""The functions that Brian2 is told of, in their CUDA: on the device and on the host as in NumPy."""

import itertools
import subprocess

import brian2 as b2
import numpy as np
import pytest

from organics_neuro.brian.functions import define_functions
from tests.cuda_on_cpu.compiler import compile_text, link

define_functions()
DEFINED = sorted(name for name, function in b2.DEFAULT_FUNCTIONS.items() if "cuda" in set(function.implementations))
VALUES = [0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 1e-300, 1e300, np.inf, -np.inf, np.nan]

_PROGRAM = """
#include <cstdio>
#include <cmath>
#include <vector>
using namespace std;

CODE

__global__ void apply(const double* x, double* results, const int count)
{
    const int k = blockIdx.x*blockDim.x + threadIdx.x;
    if (k < count) results[k] = CALL;
}

int main()
{
    const int count = COUNT;
    vector<double> given(count*NUMBER), results(count);
    if (fread(given.data(), 8, given.size(), stdin) != given.size()) return 1;
    double *x, *on_device;
    cudaMalloc(&x, 8*given.size());
    cudaMalloc(&on_device, 8*count);
    cudaMemcpy(x, given.data(), 8*given.size(), cudaMemcpyHostToDevice);
    apply<<<(count + 63)/64, 64>>>(x, on_device, count);
    cudaMemcpy(results.data(), on_device, 8*count, cudaMemcpyDeviceToHost);
    fwrite(results.data(), 8, count, stdout);
    x = given.data();
    for (int k = 0; k < count; k++) results[k] = CALL;
    fwrite(results.data(), 8, count, stdout);
}
"""


def test_there_are_some():
    assert len(DEFINED) >= 3


@pytest.mark.parametrize("name", DEFINED)
def test_a_function_is_that_of_numpy(name, tmp_path):
    function = b2.DEFAULT_FUNCTIONS[name]
    implementations = function.implementations
    number = len(function._arg_types)
    choices = [VALUES if units is not bool else [0.0, 1.0] for units in function._arg_units]
    arguments = np.array(list(itertools.product(*choices))).T
    call = f"{implementations['cuda'].name}({', '.join(f'x[{a}*count + k]' for a in range(number))})"
    parts = {"CODE": implementations["cuda"].get_code(None), "CALL": call}
    parts |= {"COUNT": str(arguments.shape[1]), "NUMBER": str(number)}
    text = _PROGRAM
    for word, part in parts.items():
        text = text.replace(word, part)
    compile_text(text, tmp_path / "function.o", f"{name}.cu", precompiled=False)
    link([tmp_path / "function.o"], tmp_path / "function")
    found = subprocess.run([tmp_path / "function"], input=arguments.tobytes(), capture_output=True, check=True).stdout
    typed = [x.astype(bool) if units is bool else x for x, units in zip(arguments, function._arg_units, strict=True)]
    with np.errstate(all="ignore"):
        expected = implementations["numpy"].get_code(None)(*typed)
    for result in np.split(np.frombuffer(found), 2):  # of the device, of the host
        np.testing.assert_allclose(result, expected, rtol=1e-15)
