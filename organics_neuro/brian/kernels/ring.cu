// Full rings: each row is a part of the column, backwards and twice: row i begins with number n - 1 - i.
namespace {
template <typename Real, typename Source, typename Target>
__device__ void organics_ring(const Organics_place at, const Source x, const Target r, const int m, const int n,
                              const int trials, const Real* backwards)
{
    organics_rows<Real>(at, Organics_strips<Real>{backwards + n - 1, -1, n}, x, r, m, n, trials);
}

__host__ __device__ int organics_ring_blocks(const int m, const int n, const int trials)
{
    return organics_row_blocks(m, trials, organics_lanes(n));
}
}
