// Reading memory and nothing else, as fast as it goes: S streams side by side, each a part of the data. There are at
// least eight sums at any time, because an addition takes some cycles, and two can begin in each.
#include <cstddef>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

namespace {
typedef double vec __attribute__((vector_size(BYTES)));

template <int S, int U> double pass(const vec* data, const size_t vectors, const bool back)
{
    const size_t part = vectors/S, rounds = part/U;
    vec sums[S][U] = {};
    for (size_t r = 0; r < rounds; r++)
    {
        const vec* const at = data + (back ? rounds - 1 - r : r)*U;
#pragma GCC unroll 8
        for (int s = 0; s < S; s++)
#pragma GCC unroll 8
            for (int u = 0; u < U; u++) sums[s][u] += at[s*part + u];
    }
    vec total = {};
    for (int s = 0; s < S; s++)
        for (int u = 0; u < U; u++) total += sums[s][u];
    double sum = 0;
    for (size_t k = 0; k < BYTES/sizeof(double); k++) sum += total[k];
    return sum;
}
}

// Reads ``bytes`` bytes, a multiple of 512 from a multiple of 64, ``passes`` times. ``turns``: forwards and backwards in
// turn, so that what was read last is read first. 0 for a number of streams that there is not.
extern "C" double organics_read(const void* data, const size_t bytes, const int streams, const int turns, const int passes)
{
    const vec* const begin = (const vec*)data;
    const size_t vectors = bytes/BYTES;
    double sum = 0;
    for (int p = 0; p < passes; p++)
    {
        const bool back = turns && p % 2;
        switch (streams)
        {
            case 1: sum += pass<1, 8>(begin, vectors, back); break;
            case 2: sum += pass<2, 4>(begin, vectors, back); break;
            case 4: sum += pass<4, 2>(begin, vectors, back); break;
            case 8: sum += pass<8, 1>(begin, vectors, back); break;
            default: return 0;
        }
        __asm__ volatile("" ::: "memory");  // or one pass would do for all
    }
    return sum;
}
