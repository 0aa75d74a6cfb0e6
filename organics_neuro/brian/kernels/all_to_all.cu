// One block of threads for each trial.
namespace {
template <typename Real>
__global__ void organics_all_to_all(const Real* x, Real* r, const int m, const int n, const Real* value)
{
    __shared__ Real sums[256];
    Real sum = 0;
    for (int j = threadIdx.x; j < n; j += 256) sum += x[(size_t)blockIdx.x*n + j];
    const Real total = organics_block_sum(sum, sums);
    for (int i = threadIdx.x; i < m; i += 256) r[(size_t)blockIdx.x*m + i] = value[0]*total;
}

template <typename Real>
void _organics_all_to_all(const Real* x, Real* r, const int m, const int n, const int trials, const Real* value)
{
    organics_all_to_all<<<trials, 256>>>(x, r, m, n, value);
}
}
