// The source is weighted and added up into a few numbers, the patterns, from which every target unit is made. `Weights` has
// patterns(), left(k, i) and right(k, j).
//
// Small sources: each block of target units adds up the whole source by itself, in one launch. Others: a first launch adds
// up parts of the source, which all blocks of the second one put together.
#ifndef ORGANICS_PATTERNS
#define ORGANICS_PATTERNS
namespace {
// Blocks of 256 target units, one trial after the other.
__host__ __device__ inline int organics_target_blocks(const int m, const int trials)
{
    return organics_blocks((size_t)trials*((m + 255)/256), 1);
}

// Parts of a source, of at least PART units each.
__host__ __device__ inline int organics_parts(const int n) { return n < PARTS*PART ? (n + PART - 1)/PART : PARTS; }

template <typename Real, typename Weights, typename Source, typename Target>
__device__ inline void organics_patterns(const Organics_place at, const Weights weights, const Source x, const Target r,
                                         const int m, const int n, const int trials)
{
    __shared__ Real sums[8];
    const int pieces = (m + 255)/256;
    for (size_t piece = at.block; piece < (size_t)trials*pieces; piece += at.blocks)
    {
        const size_t trial = piece/pieces;
        const int i = piece % pieces*256 + threadIdx.x;
        Real total = 0;
        for (int k = 0; k < weights.patterns(); k++)
        {
            Real sum = 0;
            for (int j = threadIdx.x; j < n; j += 256) sum += weights.right(k, j)*x[trial*n + j];
            const Real pattern = organics_block_sum(sum, sums);
            if (i < m) total += weights.left(k, i)*pattern;
        }
        if (i < m) r.put(trial*m + i, total);
    }
}

// parts: for each trial and pattern, those of the source.
template <typename Real, typename Weights, typename Source>
__device__ inline void organics_add_parts(const Organics_place at, const Weights weights, const Source x, const int n,
                                          const int trials, Real* parts)
{
    __shared__ Real sums[8];
    const int pieces = organics_parts(n), size = (n + pieces - 1)/pieces;
    for (size_t piece = at.block; piece < (size_t)trials*weights.patterns()*pieces; piece += at.blocks)
    {
        const int first = piece % pieces*size, last = first + size < n ? first + size : n;
        const int k = piece/pieces % weights.patterns();
        const size_t trial = piece/pieces/weights.patterns();
        Real sum = 0;
        for (int j = first + threadIdx.x; j < last; j += 256) sum += weights.right(k, j)*x[trial*n + j];
        const Real part = organics_block_sum(sum, sums);
        if (threadIdx.x == 0) parts[piece] = part;
    }
}

template <typename Real, typename Weights, typename Target>
__device__ inline void organics_put_together(const Organics_place at, const Weights weights, const Target r, const int m,
                                             const int n, const int trials, const Real* parts)
{
    __shared__ Real sums[8];
    const int pieces = (m + 255)/256, count = organics_parts(n);
    for (size_t piece = at.block; piece < (size_t)trials*pieces; piece += at.blocks)
    {
        const size_t trial = piece/pieces;
        const int i = piece % pieces*256 + threadIdx.x;
        Real total = 0;
        for (int k = 0; k < weights.patterns(); k++)
        {
            const Real* own = parts + (trial*weights.patterns() + k)*count;
            const Real pattern = organics_block_sum((int)threadIdx.x < count ? own[threadIdx.x] : Real(0), sums);
            if (i < m) total += weights.left(k, i)*pattern;
        }
        if (i < m) r.put(trial*m + i, total);
    }
}
}
#endif
