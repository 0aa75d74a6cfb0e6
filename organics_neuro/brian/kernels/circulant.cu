// A few weights: a thread for each unit and trial.
namespace {
template <typename Real, typename Source, typename Target>
__device__ void organics_circulant(const Organics_place at, const Source x, const Target r, const int m, const int n,
                                   const int trials, const int* count, const int* offsets, const Real* column, const Real*)
{
    for (size_t k = (size_t)at.block*256 + threadIdx.x; k < (size_t)m*trials; k += (size_t)at.blocks*256)
    {
        const int i = k % n;
        Real total = 0;
        for (int tap = 0; tap < count[0]; tap++)
        {
            const int offset = offsets[tap];
            total += column[offset]*x[k - offset + (i < offset ? n : 0)];
        }
        r.put(k, total);
    }
}

__host__ __device__ int organics_circulant_blocks(const int m, const int, const int trials)
{
    return organics_blocks((size_t)m*trials, 256);
}
}
