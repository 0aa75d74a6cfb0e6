// Products of float32 matrices on AMX tiles (Intel), which multiply integers of 8 bits.
//
// A number x of a line (a row of the left factor, a column of the right one) becomes the integer x / unit of 24 bits,
// where the unit belongs to 256 neighbours of the line and is set by their largest one. It is split into three slices of
// 8 bits, from -128 to 127, as in the scheme of Ozaki; slices are multiplied in pairs and added up exactly:
//
//     a b = unit_a unit_b (2^32 a_0 b_0 + 2^24 (a_0 b_1 + a_1 b_0) + 2^16 (a_0 b_2 + a_1 b_1 + a_2 b_0) + ...)
//
// What is left out is about as large as the rounding of x. The error of a product is that of sums in float32: each factor
// is off by about 2^-23 of the largest of its 256 neighbours, and by more if that is below 1e-32.

#ifndef ORGANICS_TILES_H
#define ORGANICS_TILES_H

#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__AMX_INT8__) && defined(__AVX512BW__) && defined(__linux__)
#define ORGANICS_TILES
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#endif

namespace organics_amx {

#ifndef ORGANICS_TILES

struct Slices
{
    static constexpr int lines = 0;
    void take_columns(int, int, const float*, int) {}
};
inline bool are_faster(int, int) { return false; }
inline void times(int, int, int, const float*, int, const Slices&, bool, float*, int) {}
inline void add_outer(int, int, int, const float*, int, const float*, int, float*, int) {}

#else

constexpr int SIDE = 16, BYTES = 64;            // a tile has 16 rows of 64 bytes
constexpr int TILE = SIDE * BYTES, BLOCK = 32;  // results are made by blocks of 2 by 2 tiles
constexpr int SLICES = 3, STEP = SLICES * TILE; // bytes of 64 numbers of 16 lines
constexpr int PIECE = 256;                      // numbers of a line that share a unit: their sums are exact in float32
constexpr float TOP = 127 << 16;                // the largest number in units: rounded up, it still has three slices
constexpr float LARGEST = 3e38f;                // so that a unit is never 0

inline int parts(int n, int size) { return (n + size - 1) / size; }
inline __mmask16 lanes(int n) { return n >= 16 ? 0xffff : (1 << std::max(n, 0)) - 1; }

// 16 numbers as integers of units; the three lower bytes of each are its slices.
inline __m512i in_units(__m512 x, __m512 per_unit)
{
    const __m512i half = _mm512_set1_epi32(0x808080);
    return _mm512_xor_si512(_mm512_add_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(x, per_unit)), half), half);
}

// The largest of some numbers, and 0 or, if one is not finite, NaN: it goes into the unit, so that results show it.
struct Range
{
    __m512 top = _mm512_setzero_ps(), zero = _mm512_setzero_ps();
    void see(__m512 x)
    {
        top = _mm512_max_ps(top, _mm512_abs_ps(x));
        zero = _mm512_fmadd_ps(x, _mm512_setzero_ps(), zero);
    }
    Range all() const
    {
        Range same;
        same.top = _mm512_set1_ps(_mm512_reduce_max_ps(top)), same.zero = _mm512_set1_ps(_mm512_reduce_add_ps(zero));
        return same;
    }
    __m512 per_unit() const
    {
        return _mm512_min_ps(_mm512_div_ps(_mm512_set1_ps(TOP), top), _mm512_set1_ps(LARGEST));
    }
    // About half the largest number, so that products of scales leave the range of float32 where products of numbers do.
    __m512 scale() const { return _mm512_add_ps(_mm512_div_ps(_mm512_set1_ps(1 << 22), per_unit()), zero); }
};

// 16 by 16 numbers of 32 bits, turned.
inline void transpose(__m512i (&v)[SIDE])
{
    __m512i t[SIDE];
    for (int i = 0; i < SIDE; i += 2)
    {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < SIDE; i += 4)
        for (int j = 0; j < 2; j++)
        {
            v[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
            v[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
        }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < SIDE; j += 8)
        {
            t[j + i] = _mm512_shuffle_i32x4(v[j + i], v[j + 4 + i], 0x88);
            t[j + 4 + i] = _mm512_shuffle_i32x4(v[j + i], v[j + 4 + i], 0xdd);
        }
    for (int i = 0; i < 8; i++)
    {
        v[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        v[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    }
}

// The bytes of four vectors of integers: their first slices side by side, number by number, then the second ones.
inline void pick_slices(const __m512i (&q)[4], __m512i& d0, __m512i& d1, __m512i& d2)
{
    const __m512i even = _mm512_set1_epi32(0x00ff00ff), low = _mm512_set1_epi32(0xffff);
    const auto merge = [](__m512i where, __m512i a, __m512i b) { return _mm512_ternarylogic_epi32(where, a, b, 0xca); };
    const auto right = [](__m512i v, int bits) { return _mm512_srli_epi32(v, bits); };
    const auto left = [](__m512i v, int bits) { return _mm512_slli_epi32(v, bits); };
    const __m512i even_01 = merge(even, q[0], left(q[1], 8)), odd_01 = merge(even, right(q[0], 8), q[1]);
    const __m512i even_23 = merge(even, q[2], left(q[3], 8)), odd_23 = merge(even, right(q[2], 8), q[3]);
    d0 = merge(low, right(even_01, 16), even_23);
    d1 = merge(low, odd_01, left(odd_23, 16));
    d2 = merge(low, even_01, left(even_23, 16));
}

// A factor of a product, split into slices: lines are the rows of a left factor or the columns of a right one. A tile holds
// 64 numbers of 16 lines, in the order in which AMX wants them; tiles of the same lines follow one another.
struct Slices
{
    int lines = 0, depth = 0;

    Slices() = default;
    Slices(const Slices&) = delete;  // where the tiles start belongs to the memory

    // The rows of x (n, k), as left factor.
    void take_rows(int n, int k, const float* x, int stride)
    {
        resize(n, k);
        for (int r = 0; r < n; r++)
            for (int p = 0; p < k; p += PIECE)
            {
                const float* from = x + static_cast<size_t>(r) * stride + p;
                const int count = std::min(k - p, PIECE), padded = parts(count, BYTES) * BYTES;
                Range range;
                for (int i = 0; i < count; i += 16) range.see(_mm512_maskz_loadu_ps(lanes(count - i), from + i));
                range = range.all();
                *scale(r, p) = _mm512_cvtss_f32(range.scale());
                const __m512 per_unit = range.per_unit();
                int8_t* to = tile(r, p) + r % SIDE * BYTES;
                for (int i = 0; i < padded; i += 16)
                {
                    const __m512i q = in_units(_mm512_maskz_loadu_ps(lanes(count - i), from + i), per_unit);
                    int8_t* place = to + i / BYTES * STEP + i % BYTES;
                    for (int d = 0; d < SLICES; d++)
                        _mm_store_si128(reinterpret_cast<__m128i*>(place + d * TILE),
                                        _mm512_cvtepi32_epi8(_mm512_srli_epi32(q, 16 - 8 * d)));
                }
            }
    }

    // The columns of x (k, n), as right factor or, turned, as left factor.
    template <bool turned = false> void take_columns(int n, int k, const float* x, int stride)
    {
        resize(n, k);
        for (int c = 0; c < n; c += SIDE)
            for (int p = 0; p < k; p += PIECE)
            {
                const float* from = x + static_cast<size_t>(p) * stride + c;
                const int count = std::min(k - p, PIECE);
                const __mmask16 mask = lanes(n - c);
                const auto load = [&](int row, __mmask16 where) {
                    return _mm512_maskz_loadu_ps(where, from + static_cast<size_t>(row) * stride);
                };
                Range range;
                for (int i = 0; i < count; i++) range.see(load(i, mask));
                _mm512_storeu_ps(scale(c, p), range.scale());
                const __m512 per_unit = range.per_unit();
                int8_t* to = tile(c, p);
                for (int i = 0; i < count; i += BYTES, to += STEP)
                {
                    __m512i slices[SLICES][SIDE];
                    for (int g = 0; g < SIDE; g++)
                    {
                        __m512i q[4];
                        for (int u = 0; u < 4; u++)
                        {
                            const int row = i + 4 * g + u;
                            q[u] = in_units(load(row, row < count ? mask : 0), per_unit);
                        }
                        pick_slices(q, slices[0][g], slices[1][g], slices[2][g]);
                    }
                    for (int d = 0; d < SLICES; d++)
                    {
                        if (turned) transpose(slices[d]);
                        for (int g = 0; g < SIDE; g++) _mm512_store_si512(to + d * TILE + g * BYTES, slices[d][g]);
                    }
                }
            }
    }

    int8_t* tile(int line, int k) const { return start + line / SIDE * band + k / BYTES * STEP; }
    float* scale(int line, int k) { return scales.data() + k / PIECE * lines + line; }
    const float* scale(int line, int k) const { return scales.data() + k / PIECE * lines + line; }

private:
    std::vector<int8_t> memory;
    std::vector<float> scales;
    int8_t* start = nullptr;
    std::ptrdiff_t band = 0;  // bytes of 16 lines

    void resize(int n, int k)
    {
        lines = parts(n, BLOCK) * BLOCK, depth = k, band = parts(k, BYTES) * STEP;
        const size_t bytes = lines / SIDE * band + BYTES;
        if (memory.size() < bytes) memory.resize(bytes);
        start = memory.data() + -reinterpret_cast<uintptr_t>(memory.data()) % BYTES;
        scales.resize(std::max<size_t>(scales.size(), lines * parts(k, PIECE)));
    }
};

// Whether AMX is faster for this many units and rows, and the system lets this process use it: it is asked here.
inline bool are_faster(int units, int rows)
{
    constexpr int request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, request, tile_data) == 0;
    return granted && units >= 64 && rows >= 16;
}

// Eight full tiles, for as long as it lives.
struct Session
{
    Session()
    {
        struct Layout
        {
            uint8_t palette, start, reserved[14];
            uint16_t bytes[16];
            uint8_t rows[16];
        };
        alignas(64) static const Layout layout = {
            1, 0, {}, {BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES}, {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
        _tile_loadconfig(&layout);
        __asm__ volatile("" ::: "memory");  // compilers do not see that tiles are read from memory
    }
    ~Session() { _tile_release(); }
    Session(const Session&) = delete;
};

using Sums = int32_t[BLOCK][BLOCK];

// The sums of all products of slices d_a and d_b with d_a + d_b = level over some steps of 64 numbers, for the 32 lines
// of tiles a and a_next by the 32 lines of b and b_next.
inline void add_level(const int8_t* a, const int8_t* a_next, const int8_t* b, const int8_t* b_next, int steps, int level,
                      Sums& sums)
{
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    for (int d = 0; d <= level; d++)
        for (int k = 0; k < steps; k++)
        {
            const int at_a = k * STEP + d * TILE, at_b = k * STEP + (level - d) * TILE;
            _tile_loadd(4, a + at_a, BYTES);
            _tile_loadd(5, b + at_b, BYTES);
            _tile_loadd(6, a_next + at_a, BYTES);
            _tile_loadd(7, b_next + at_b, BYTES);
            _tile_dpbssd(0, 4, 5); _tile_dpbssd(1, 4, 7); _tile_dpbssd(2, 6, 5); _tile_dpbssd(3, 6, 7);
        }
    const int stride = sizeof sums[0];
    _tile_stored(0, &sums[0][0], stride);
    _tile_stored(1, &sums[0][SIDE], stride);
    _tile_stored(2, &sums[SIDE][0], stride);
    _tile_stored(3, &sums[SIDE][SIDE], stride);
}

// c (m, n) = a b, or c + a b, from the sums of a piece; m and n at most 32.
inline void weigh(int m, int n, const Sums (&sums)[SLICES], const float* scale_a, const float* scale_b, bool add, float* c,
                  int stride)
{
    const __m512 less = _mm512_set1_ps(1 / 256.f), both = _mm512_set1_ps(1 / 4096.f);  // 2^32 units are 2^-12 scales
    for (int h = 0; h < n; h += SIDE)
    {
        const __mmask16 mask = lanes(n - h);
        const __m512 right = _mm512_loadu_ps(scale_b + h);
        float* to = c + h;
        for (int r = 0; r < m; r++, to += stride)
        {
            const auto sum = [&](int level) { return _mm512_cvtepi32_ps(_mm512_load_si512(&sums[level][r][h])); };
            const __m512 weighed = _mm512_fmadd_ps(_mm512_fmadd_ps(sum(2), less, sum(1)), less, sum(0));
            const __m512 total = _mm512_mul_ps(weighed, both);
            const __m512 old = add ? _mm512_maskz_loadu_ps(mask, to) : _mm512_setzero_ps();
            const __m512 scale = _mm512_mul_ps(right, _mm512_set1_ps(scale_a[r]));
            _mm512_mask_storeu_ps(to, mask, _mm512_fmadd_ps(total, scale, old));
        }
    }
}

// c (m, n) = a b, or c + a b
inline void multiply(int m, int n, const Slices& a, const Slices& b, bool add, float* c, int stride)
{
    alignas(64) Sums sums[SLICES];
    const Session session;
    for (int p = 0; p < a.depth; p += PIECE)
        for (int j = 0; j < n; j += BLOCK)
            for (int i = 0; i < m; i += BLOCK)
            {
                const int steps = parts(std::min(a.depth - p, PIECE), BYTES);
                for (int level = 0; level < SLICES; level++)
                    add_level(a.tile(i, p), a.tile(i + SIDE, p), b.tile(j, p), b.tile(j + SIDE, p), steps, level, sums[level]);
                weigh(std::min(BLOCK, m - i), std::min(BLOCK, n - j), sums, a.scale(i, p), b.scale(j, p), p || add,
                      c + static_cast<size_t>(i) * stride + j, stride);
            }
}

// c (m, n) = a (m, k) w with k > 0, or c + a w
inline void times(int m, int n, int k, const float* a, int a_stride, const Slices& w, bool add, float* c, int stride)
{
    if (!m || !n || !k) return;
    static thread_local Slices made;
    Slices& left = made;  // its address is looked up once
    left.take_rows(m, k, a, a_stride);
    multiply(m, n, left, w, add, c, stride);
}

// c (m, n) += a (k, m)^T b (k, n)
inline void add_outer(int m, int n, int k, const float* a, int a_stride, const float* b, int b_stride, float* c, int stride)
{
    if (!m || !n || !k) return;
    static thread_local Slices made[2];
    Slices &left = made[0], &right = made[1];  // their address is looked up once
    left.take_columns<true>(m, k, a, a_stride);
    right.take_columns(n, k, b, b_stride);
    multiply(m, n, left, right, true, c, stride);
}

#endif

}  // namespace organics_amx
#endif
