// Lanes of a warp add up each row of weights, for up to four trials, which share what is read of the row: 32 lanes, or fewer
// for short rows. Lane by lane the entries lie next to each other in memory. `Row` has lanes(), count(i), weight(i, entry) and
// unit(i, entry).
#include <cstddef>
#ifndef ORGANICS_ROWS
#define ORGANICS_ROWS
namespace {
const int ORGANICS_TOGETHER = 4;

// Lanes for rows of so many entries: a power of two.
__host__ __device__ inline int organics_lanes(const int entries)
{
    int lanes = 1;
    while (lanes < entries && lanes < 32) lanes *= 2;
    return lanes;
}

__host__ __device__ inline int organics_row_blocks(const int m, const int trials, const int lanes)
{
    return organics_blocks((size_t)m*((trials + ORGANICS_TOGETHER - 1)/ORGANICS_TOGETHER), 256/lanes);
}

// Rows of n numbers next to each other, each row so many numbers after the one before it.
template <typename Real>
struct Organics_strips
{
    const Real* first;
    std::ptrdiff_t apart;
    int n;
    __device__ int lanes() const { return organics_lanes(n); }
    __device__ int count(int) const { return n; }
    __device__ Real weight(const int i, const int entry) const { return first[i*apart + entry]; }
    __device__ int unit(int, const int entry) const { return entry; }
};

template <typename Real, typename Row, typename Source, typename Target>
__device__ inline void organics_rows(const Organics_place at, const Row row, const Source x, const Target r, const int m,
                                     const int n, const int trials)
{
    const size_t pairs = (size_t)m*((trials + ORGANICS_TOGETHER - 1)/ORGANICS_TOGETHER);
    const int lanes = row.lanes(), lane = threadIdx.x % lanes, rows = 256/lanes;
    const int most = trials < ORGANICS_TOGETHER ? trials : ORGANICS_TOGETHER;
    // all lanes of a warp go on together, also those whose row would be behind the last one
    for (size_t first_row = (size_t)at.block*rows; first_row < pairs; first_row += (size_t)at.blocks*rows)
    {
        const size_t k = first_row + threadIdx.x/lanes;
        const int i = k % m, first = k/m*ORGANICS_TOGETHER, count = k < pairs ? row.count(i) : 0;
        const int left = trials - first, here = k >= pairs ? 0 : left < most ? left : most;
        Real totals[ORGANICS_TOGETHER] = {};
        #pragma unroll 4
        for (int entry = lane; entry < count; entry += lanes)
        {
            const Real weight = row.weight(i, entry);
            const size_t unit = (size_t)first*n + row.unit(i, entry);
            #pragma unroll
            for (int t = 0; t < ORGANICS_TOGETHER; t++)
                if (t < here) totals[t] += weight*x[unit + (size_t)t*n];
        }
        #pragma unroll
        for (int t = 0; t < ORGANICS_TOGETHER; t++)
            if (t < most)
            {
                const Real total = organics_warp_sum(totals[t], lanes);
                if (lane == 0 && t < here) r.put((size_t)(first + t)*m + i, total);
            }
    }
}
}
#endif
