"""What the kernels in CUDA share, and what brian2cuda needs to compile them with CUDA 13."""

from jinja2 import DictLoader

#: Blocks of 256 threads for so many results; threads go on with the next result when there are more.
BLOCKS = """
#ifndef ORGANICS_BLOCKS
#define ORGANICS_BLOCKS
inline int organics_blocks(const size_t count)
{
    return count < 256*65535ul ? (count + 255)/256 : 65535;
}
#endif
"""

#: The sum over the 256 threads of a block, known to all of them; ``sums`` is shared memory for 256 numbers.
BLOCK_SUM = """
#ifndef ORGANICS_BLOCK_SUM
#define ORGANICS_BLOCK_SUM
namespace {
template <typename Real>
__device__ inline Real organics_block_sum(const Real part, Real* sums)
{
    sums[threadIdx.x] = part;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2)
    {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    const Real total = sums[0];
    __syncthreads();  // the next sum may begin
    return total;
}
}
#endif
"""

_prepared = False


def prepare_makefile(linker_flags):
    """Make the makefile of brian2cuda fit for CUDA 13, without editing its files.

    Thrust of CUDA 13 needs C++17, where the makefile asks for C++11, and libraries must follow the objects.

    Parameters
    ----------
    linker_flags : list of str
        What brings cuRAND and cuBLAS.
    """
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    global _prepared
    if _prepared:
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
    _prepared = True
