// One trial: rows next to each other in memory.
namespace {
template <typename Real>
struct Organics_matrix
{
    const Real* matrix;
    int n;
    __device__ int lanes() const { return organics_lanes(n); }
    __device__ int count(int) const { return n; }
    __device__ Real weight(const int i, const int entry) const { return matrix[(size_t)i*n + entry]; }
    __device__ int unit(int, const int entry) const { return entry; }
};

template <typename Real, typename Source, typename Target>
__device__ void organics_dense(const Organics_place at, const Source x, const Target r, const int m, const int n,
                               const int trials, const Real* matrix)
{
    organics_rows<Real>(at, Organics_matrix<Real>{matrix, n}, x, r, m, n, trials);
}

__host__ __device__ int organics_dense_blocks(const int m, const int n, const int trials)
{
    return organics_row_blocks(m, trials, organics_lanes(n));
}
}
