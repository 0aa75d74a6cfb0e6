"""The kernels for brian2cuda, which is imported only when the device "cuda" is chosen.

Brian2CUDA evaluates the source expression on the GPU; after that, these lines apply the weights. Pointers ``_x``, ``_r``
and ``_w_NAME`` are on the GPU.
"""

from jinja2 import DictLoader

_FRAME = """
{# USES_VARIABLES { N } #}
{% extends 'common_group.cu' %}
{% set _m, _n, _trials, _start = variables['_sizes'].get_value() %}
{% set _real = c_data_type(variables['_target'].dtype) %}
{% block extra_headers %}
SUPPORT
{% endblock %}
{% block extra_kernel_call_post %}
{
    typedef {{_real}} _Real;
    const int _m = {{_m}}, _n = {{_n}}, _trials = {{_trials}};
    const _Real* _x = {{get_array_name(variables['_source'], access_data=True, prefix='dev')}};
    _Real* _r = {{get_array_name(variables['_target'], access_data=True, prefix='dev')}} + {{_start}};
    {% for _name in variables if _name.startswith('_w_') %}
    const auto {{_name}} = {{get_array_name(variables[_name], access_data=True, prefix='dev')}};
    {% endfor %}
    KERNEL
}
{% endblock %}
"""

# A row-major (m, n) matrix is a column-major (n, m) one to BLAS.
_DENSE = """
static cublasHandle_t _handle = nullptr;
if (!_handle) cublasCreate(&_handle);
const _Real _one = 1, _zero = 0;
{% set _blas = 'cublasS' if _real == 'float' else 'cublasD' %}
{% if _trials == 1 %}
{{_blas}}gemv(_handle, CUBLAS_OP_T, _n, _m, &_one, _w_matrix, _n, _x, 1, &_zero, _r, 1);
{% else %}
{{_blas}}gemm(_handle, CUBLAS_OP_T, CUBLAS_OP_N, _m, _trials, _n, &_one, _w_matrix, _n, _x, _n, &_zero, _r, _m);
{% endif %}
"""

_UNIFORM_SUPPORT = """
namespace {
// one block for each trial
template <typename Real>
__global__ void organics_uniform(const Real* value, const Real* source, Real* target, const int m, const int n)
{
    __shared__ Real sums[256];
    Real sum = 0;
    for (int j = threadIdx.x; j < n; j += 256) sum += source[(size_t)blockIdx.x*n + j];
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2)
    {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    for (int i = threadIdx.x; i < m; i += 256) target[(size_t)blockIdx.x*m + i] = value[0]*sums[0];
}
}
"""

_CIRCULANT_SUPPORT = """
namespace {
// one thread for each unit and trial
template <typename Real, typename Index>
__global__ void organics_circulant(const Index* offsets, const Real* taps, const Index* count, const Real* source,
                                   Real* target, const int n, const int trials)
{
    const size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x;
    if (k >= (size_t)n*trials) return;
    const int i = k % n;
    const Real* row = source + (k - i);
    Real sum = 0;
    for (int tap = 0; tap < count[0]; tap++)
    {
        const int j = i - offsets[tap];
        sum += taps[tap]*row[j < 0 ? j + n : j];
    }
    target[k] = sum;
}
}
"""

#: By operator kind: support code, and the lines that fill the target.
CUDA_KERNELS = {
    "dense": ("#include <cublas_v2.h>", _DENSE),
    "uniform": (
        _UNIFORM_SUPPORT,
        """
organics_uniform<_Real><<<_trials, 256>>>(_w_value, _x, _r, _m, _n);
CUDA_CHECK_ERROR("organics_uniform");
""",
    ),
    "circulant": (
        _CIRCULANT_SUPPORT,
        """
organics_circulant<<<(_n*_trials + 255)/256, 256>>>(_w_offsets, _w_taps, _w_count, _x, _r, _n, _trials);
CUDA_CHECK_ERROR("organics_circulant");
""",
    ),
}

_registered = False


def register_cuda(linker_flags):
    """Make the kernels known to brian2cuda, and its makefile fit for CUDA 13.

    Thrust of CUDA 13 needs C++17, where the makefile asks for C++11, and libraries must follow the objects.

    Parameters
    ----------
    linker_flags : list of str
        What brings cuRAND and cuBLAS.
    """
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    global _registered
    if _registered:
        return
    loader = CUDAStandaloneCodeObject.templater.env.loader
    makefile = loader.get_source(CUDAStandaloneCodeObject.templater.env, "makefile")[0]
    for old, new in (
        ("-std=c++11", "-std=c++17"),
        ("-lcurand", " ".join(linker_flags)),
        ("$(LFLAGS) $(OBJS)", "$(OBJS) $(LFLAGS)"),
    ):
        if old not in makefile:
            raise RuntimeError(f"the makefile of this brian2cuda has no {old!r}; use brian2cuda 1.0b1")
        makefile = makefile.replace(old, new)
    loader.loaders.insert(0, DictLoader({"makefile": makefile}))
    texts = {
        f"organics_projection_{kind}.cu": _FRAME.replace("SUPPORT", support).replace("KERNEL", code)
        for kind, (support, code) in CUDA_KERNELS.items()
    }
    loader.loaders.append(DictLoader(texts))
    _registered = True
