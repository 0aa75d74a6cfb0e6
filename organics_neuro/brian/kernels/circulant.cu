// One thread for each unit and trial.
namespace {
template <typename Real>
__global__ void organics_circulant(const Real* x, Real* r, const int n, const int trials, const int* count,
                                   const int* offsets, const Real* column)
{
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < (size_t)n*trials; k += (size_t)gridDim.x*blockDim.x)
    {
        const int i = k % n;
        const Real* source = x + (k - i);
        Real total = 0;
        for (int tap = 0; tap < count[0]; tap++)
        {
            const int j = i - offsets[tap];
            total += column[offsets[tap]]*source[j < 0 ? j + n : j];
        }
        r[k] = total;
    }
}

template <typename Real>
void _organics_circulant(const Real* x, Real* r, const int, const int n, const int trials, const int* count,
                         const int* offsets, const Real* column, const Real*)
{
    organics_circulant<<<organics_blocks((size_t)n*trials), 256>>>(x, r, n, trials, count, offsets, column);
}
}
