namespace {
template <typename Real>
struct Organics_entries
{
    const int *starts, *units;
    const Real* values;
    int m;
    __device__ int lanes() const { return organics_lanes((starts[m] + m - 1)/m); }  // for the mean of the rows
    __device__ int count(const int i) const { return starts[i + 1] - starts[i]; }
    __device__ Real weight(const int i, const int entry) const { return values[starts[i] + entry]; }
    __device__ int unit(const int i, const int entry) const { return units[starts[i] + entry]; }
};

template <typename Real, typename Source, typename Target>
__device__ void organics_sparse(const Organics_place at, const Source x, const Target r, const int m, const int n,
                                const int trials, const int* starts, const int* units, const Real* values)
{
    organics_rows<Real>(at, Organics_entries<Real>{starts, units, values, m}, x, r, m, n, trials);
}

__host__ __device__ int organics_sparse_blocks(const int m, const int, const int trials)
{
    return organics_row_blocks(m, trials, 32);
}
}
