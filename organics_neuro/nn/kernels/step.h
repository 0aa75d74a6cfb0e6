// One step of some rows of a batch, but for its products, and the way back through it.

#ifndef ORGANICS_GATED_STEP_H
#define ORGANICS_GATED_STEP_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "arithmetic.h"
#include "layout.h"

namespace {

// relu(a) f(y)^2 and, where products take another type, a copy of the state.
template <typename T, typename E, bool rectified>
void prepare(int64_t m, int64_t H, const T* state, E* state_e, E* pooled)
{
    for (int64_t r = 0; r < m; r++, state += 2 * H, pooled += H)
    {
        const T* __restrict y = state;
        const T* __restrict a = state + H;
        E* __restrict q = pooled;
        #pragma omp simd
        for (int64_t i = 0; i < H; i++)
        {
            const T f = rectify<rectified>(y[i]);
            store(q[i], f * f * relu(a[i]));
        }
        if constexpr (!std::is_same<T, E>::value)
        {
            E* __restrict copy = state_e + 2 * H * r;
            #pragma omp simd
            for (int64_t i = 0; i < 2 * H; i++) store(copy[i], y[i]);
        }
    }
}

// The new state from what the products delivered. Gates become their sigmoids, and gains are updated, in place.
template <typename T, bool rectified>
void advance(int64_t m, int64_t H, const T* steps, const T* state, T* gates, const T* drive, const T* recurrent,
             const T* delivered, T* gains, T* next, const Sequence<T>& output, int64_t t, int64_t row)
{
    const T *h_y = steps, *h_a = steps + H, *h_0 = steps + 2 * H, *h_b = steps + 3 * H;
    for (int64_t r = 0; r < m; r++)
    {
        const T* __restrict y = state + 2 * H * r;
        const T* __restrict a = y + H;
        T* __restrict g0 = gates + 2 * H * r;
        T* __restrict gb = g0 + H;
        const T* __restrict z = drive + H * r;
        const T* __restrict v = recurrent + H * r;
        const T* __restrict n = delivered + H * r;
        T* __restrict b0 = gains + 2 * H * r;
        T* __restrict b = b0 + H;
        T* __restrict y_next = next + 2 * H * r;
        T* __restrict a_next = y_next + H;
        #pragma omp simd
        for (int64_t i = 0; i < H; i++)
        {
            const T open = T(1) - std::sqrt(relu(a[i]));
            y_next[i] = y[i] - h_y[i] * y[i] + b[i] * rectify<rectified>(z[i]) + open * rectify<rectified>(v[i]);
            a_next[i] = a[i] + h_a[i] * (b0[i] * b0[i] - a[i]) + n[i];
            b0[i] += h_0[i] * ((g0[i] = sigmoid(g0[i])) - b0[i]);
            b[i] += h_b[i] * ((gb[i] = sigmoid(gb[i])) - b[i]);
        }
        if (output.data) std::memcpy(output.at(t, row + r), y_next, H * sizeof(T));
    }
}

// Back through `advance` and the sigmoids: gradients with respect to the old state and gains take the place of those
// with respect to the new ones, and d receives [drive, gates b0, gates b, recurrent, pool].
template <typename T, typename E, bool rectified>
void retreat(int64_t m, int64_t H, const T* steps, const T* state, const T* gates, const T* drive, const T* recurrent,
             const T* gains, T* d_state, T* d_gains, T* d, E* d_e, T* sums)
{
    constexpr bool same = std::is_same<T, E>::value;
    const T *h_y = steps, *h_a = steps + H, *h_0 = steps + 2 * H, *h_b = steps + 3 * H;
    T* __restrict s_y = sums;
    T* __restrict s_a = sums + H;
    T* __restrict s_0 = sums + 2 * H;
    T* __restrict s_b = sums + 3 * H;
    for (int64_t r = 0; r < m; r++)
    {
        const T* __restrict y = state + 2 * H * r;
        const T* __restrict a = y + H;
        const T* __restrict g = gates + 2 * H * r;
        const T* __restrict z = drive + H * r;
        const T* __restrict v = recurrent + H * r;
        const T* __restrict b0 = gains + 2 * H * r;
        const T* __restrict b = b0 + H;
        T* __restrict d_y = d_state + 2 * H * r;
        T* __restrict d_a = d_y + H;
        T* __restrict d_b0 = d_gains + 2 * H * r;
        T* __restrict d_b = d_b0 + H;
        T* __restrict to_x = d + (same ? 5 : 3) * H * r;
        E* __restrict to_e = same ? reinterpret_cast<E*>(to_x + H) : d_e + 4 * H * r;
        #pragma omp simd
        for (int64_t i = 0; i < H; i++)
        {
            const bool positive = a[i] > std::numeric_limits<T>::min();
            const T root = std::sqrt(relu(a[i])), slope = positive ? T(0.5) / root : T(0);
            const T p = d_y[i], q = d_a[i], u0 = d_b0[i], u = d_b[i], g0 = g[i], gb = g[H + i];
            const T rz = rectify<rectified>(z[i]), rv = rectify<rectified>(v[i]);
            const T d_g0 = h_0[i] * u0 * g0 * (T(1) - g0), d_gb = h_b[i] * u * gb * (T(1) - gb);
            to_x[i] = rectified && !(z[i] > 0) ? T(0) : p * b[i];
            if constexpr (!same) to_x[H + i] = d_g0, to_x[2 * H + i] = d_gb;
            store(to_e[i], d_g0);
            store(to_e[H + i], d_gb);
            store(to_e[2 * H + i], rectified && !(v[i] > 0) ? T(0) : p * (T(1) - root));
            store(to_e[3 * H + i], q);
            s_y[i] -= p * y[i];
            s_a[i] += q * (b0[i] * b0[i] - a[i]);
            s_0[i] += u0 * (g0 - b0[i]);
            s_b[i] += u * (gb - b[i]);
            d_y[i] = p - h_y[i] * p;
            d_a[i] = q - h_a[i] * q - p * rv * slope;
            d_b0[i] = u0 - h_0[i] * u0 + T(2) * h_a[i] * q * b0[i];
            d_b[i] = u - h_b[i] * u + p * rz;
        }
    }
}

// Back through relu(a) f(y)^2: adds to the gradient of the state.
template <typename T, bool rectified>
void retreat_pool(int64_t m, int64_t H, const T* state, const T* d_pooled, T* d_state)
{
    for (int64_t r = 0; r < m; r++)
    {
        const T* __restrict y = state + 2 * H * r;
        const T* __restrict a = y + H;
        const T* __restrict dq = d_pooled + H * r;
        T* __restrict d_y = d_state + 2 * H * r;
        T* __restrict d_a = d_y + H;
        #pragma omp simd
        for (int64_t i = 0; i < H; i++)
        {
            const T f = rectify<rectified>(y[i]), p = dq[i] * f;
            d_y[i] += T(2) * p * relu(a[i]);
            d_a[i] += a[i] > 0 ? p * f : T(0);
        }
    }
}

}  // namespace
#endif
