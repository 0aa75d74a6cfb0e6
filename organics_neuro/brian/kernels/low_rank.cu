namespace {
template <typename Real>
struct Organics_low_rank
{
    const int* rank;
    const Real *lefts, *rights;
    int m, n;
    __device__ int patterns() const { return rank[0]; }
    __device__ Real left(const int k, const int i) const { return lefts[(size_t)k*m + i]; }
    __device__ Real right(const int k, const int j) const { return rights[(size_t)k*n + j]; }
};

template <typename Real, typename Source, typename Target>
__device__ void organics_low_rank(const Organics_place at, const Source x, const Target r, const int m, const int n,
                                  const int trials, const int* rank, const Real* left, const Real* right, Real*)
{
    organics_patterns<Real>(at, Organics_low_rank<Real>{rank, left, right, m, n}, x, r, m, n, trials);
}
__host__ __device__ int organics_low_rank_blocks(const int m, int, const int trials)
{
    return organics_target_blocks(m, trials);
}

template <typename Real, typename Source, typename Target>
__device__ void organics_low_rank_parts(const Organics_place at, const Source x, Target, const int m, const int n,
                                        const int trials, const int* rank, const Real* left, const Real* right, Real* parts)
{
    organics_add_parts<Real>(at, Organics_low_rank<Real>{rank, left, right, m, n}, x, n, trials, parts);
}
__host__ __device__ int organics_low_rank_parts_blocks(int, const int n, const int trials)
{
    return organics_blocks((size_t)trials*organics_parts(n), 1);
}

template <typename Real, typename Source, typename Target>
__device__ void organics_low_rank_whole(const Organics_place at, Source, const Target r, const int m, const int n,
                                        const int trials, const int* rank, const Real* left, const Real* right,
                                        const Real* parts)
{
    organics_put_together<Real>(at, Organics_low_rank<Real>{rank, left, right, m, n}, r, m, n, trials, parts);
}
__host__ __device__ int organics_low_rank_whole_blocks(const int m, int, const int trials)
{
    return organics_target_blocks(m, trials);
}
}
