// The sum over the 256 threads of a block, known to all of them; `sums` is shared memory for 256 numbers.
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
