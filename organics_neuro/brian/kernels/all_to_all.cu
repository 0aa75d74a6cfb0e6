namespace {
template <typename Real>
struct Organics_uniform
{
    const Real* value;
    __device__ int patterns() const { return 1; }
    __device__ Real left(int, int) const { return value[0]; }
    __device__ Real right(int, int) const { return 1; }
};

template <typename Real, typename Source, typename Target>
__device__ void organics_all_to_all(const Organics_place at, const Source x, const Target r, const int m, const int n,
                                    const int trials, const Real* value, Real*)
{
    organics_patterns<Real>(at, Organics_uniform<Real>{value}, x, r, m, n, trials);
}
__host__ __device__ int organics_all_to_all_blocks(const int m, int, const int trials)
{
    return organics_target_blocks(m, trials);
}

template <typename Real, typename Source, typename Target>
__device__ void organics_all_to_all_parts(const Organics_place at, const Source x, Target, int, const int n, const int trials,
                                          const Real* value, Real* parts)
{
    organics_add_parts<Real>(at, Organics_uniform<Real>{value}, x, n, trials, parts);
}
__host__ __device__ int organics_all_to_all_parts_blocks(int, const int n, const int trials)
{
    return organics_blocks((size_t)trials*organics_parts(n), 1);
}

template <typename Real, typename Source, typename Target>
__device__ void organics_all_to_all_whole(const Organics_place at, Source, const Target r, const int m, const int n,
                                          const int trials, const Real* value, const Real* parts)
{
    organics_put_together<Real>(at, Organics_uniform<Real>{value}, r, m, n, trials, parts);
}
__host__ __device__ int organics_all_to_all_whole_blocks(const int m, int, const int trials)
{
    return organics_target_blocks(m, trials);
}
}
