// Full rings: each row is a part of the column, backwards and twice: row i begins with number n - 1 - i.
namespace {
template <typename Real>
struct Organics_ring
{
    const Real* backwards;
    int n;
    __device__ int lanes() const { return organics_lanes(n); }
    __device__ int count(int) const { return n; }
    __device__ Real weight(const int i, const int entry) const { return backwards[n - 1 - i + entry]; }
    __device__ int unit(int, const int entry) const { return entry; }
};

template <typename Real, typename Source, typename Target>
__device__ void organics_ring(const Organics_place at, const Source x, const Target r, const int m, const int n,
                              const int trials, const Real* backwards)
{
    organics_rows<Real>(at, Organics_ring<Real>{backwards, n}, x, r, m, n, trials);
}

__host__ __device__ int organics_ring_blocks(const int m, const int n, const int trials)
{
    return organics_row_blocks(m, trials, organics_lanes(n));
}
}
