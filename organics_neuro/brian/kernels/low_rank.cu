// One block of threads for each trial; each thread keeps the same target units for all patterns.
namespace {
template <typename Real>
__global__ void organics_low_rank(const Real* x, Real* r, const int m, const int n, const int* rank,
                                  const Real* left, const Real* right)
{
    __shared__ Real sums[256];
    const Real* source = x + (size_t)blockIdx.x*n;
    Real* target = r + (size_t)blockIdx.x*m;
    for (int k = 0; k < rank[0]; k++)
    {
        Real sum = 0;
        for (int j = threadIdx.x; j < n; j += 256) sum += right[(size_t)k*n + j]*source[j];
        const Real pattern = organics_block_sum(sum, sums);
        for (int i = threadIdx.x; i < m; i += 256)
            target[i] = (k ? target[i] : 0) + left[(size_t)k*m + i]*pattern;
    }
}

template <typename Real>
void _organics_low_rank(const Real* x, Real* r, const int m, const int n, const int trials, const int* rank,
                        const Real* left, const Real* right)
{
    organics_low_rank<<<trials, 256>>>(x, r, m, n, rank, left, right);
}
}
