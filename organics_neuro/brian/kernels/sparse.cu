// One thread for each target unit and trial.
namespace {
template <typename Real>
__global__ void organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                                const int* units, const Real* values)
{
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < (size_t)m*trials; k += (size_t)gridDim.x*blockDim.x)
    {
        const int i = k % m;
        const Real* source = x + k/m*n;
        Real total = 0;
        for (int entry = starts[i]; entry < starts[i + 1]; entry++) total += values[entry]*source[units[entry]];
        r[k] = total;
    }
}

template <typename Real>
void _organics_sparse(const Real* x, Real* r, const int m, const int n, const int trials, const int* starts,
                      const int* units, const Real* values)
{
    organics_sparse<<<organics_blocks((size_t)m*trials), 256>>>(x, r, m, n, trials, starts, units, values);
}
}
