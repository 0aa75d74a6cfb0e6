// One trial: rows next to each other in memory.
namespace {
template <typename Real, typename Source, typename Target>
__device__ void organics_dense(const Organics_place at, const Source x, const Target r, const int m, const int n,
                               const int trials, const Real* matrix)
{
    organics_rows<Real>(at, Organics_strips<Real>{matrix, n, n}, x, r, m, n, trials);
}

__host__ __device__ int organics_dense_blocks(const int m, const int n, const int trials)
{
    return organics_row_blocks(m, trials, organics_lanes(n));
}
}
