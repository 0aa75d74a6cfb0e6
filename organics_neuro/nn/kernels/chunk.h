// A chunk of steps of some rows: products with the input, and all weight gradients, are made for all of them at once.

#ifndef ORGANICS_GATED_CHUNK_H
#define ORGANICS_GATED_CHUNK_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "layout.h"
#include "products.h"
#include "step.h"

namespace {

template <typename T, typename E, bool rectified> struct Circuit
{
    static constexpr bool same = std::is_same<T, E>::value;
    Sizes n;
    Weights<T, E> w;
    Sequence<T> x, output;  // without data, the output is not wanted

    // Steps t .. t + count of m rows: fills the trace from its first state; `gains` is the state of the gains.
    void forward(int64_t t, int64_t count, int64_t row, int64_t m, const Trace<T>& trace, T* gains,
                 Scratch<T, E>& s) const
    {
        const int64_t H = n.units, I = n.inputs;
        std::memcpy(trace.gains, gains, 2 * m * H * sizeof(T));
        const Rows<T> inputs = gather(t, count, row, m, s);
        times_transposed<T, T>(count * m, H, I, inputs, {w.input, I}, 0, s.drive.data(), H);
        times_transposed<T, T>(count * m, 2 * H, I, inputs, {w.input + H * I, I}, 0, trace.gates, 2 * H);
        for (int64_t k = 0; k < count; k++)
        {
            T *state = trace.state + 2 * k * m * H, *gates = trace.gates + 2 * k * m * H;
            T* recurrent = trace.recurrent + k * m * H;
            prepare<T, E, rectified>(m, H, state, s.state_e.data(), s.pooled.data());
            const E* state_e = operand(state, s.state_e.data());
            times_transposed<E, T>(m, n.last - n.first, 2 * H, {state_e, 2 * H}, w.gates, 1, gates + n.first, 2 * H);
            times_transposed<E, T>(m, H, H, {state_e, 2 * H}, w.recurrent, 0, recurrent, H);
            times_transposed<E, T>(m, H, H, {s.pooled.data(), H}, w.pool, 0, s.delivered.data(), H);
            advance<T, rectified>(m, H, w.steps, state, gates, s.drive.data() + k * m * H, recurrent,
                                  s.delivered.data(), gains, state + 2 * m * H, output, t + k, row);
        }
    }

    // Back through the same steps; s.d_state and s.d_gains are gradients of the state.
    void backward(int64_t t, int64_t count, int64_t row, int64_t m, const Trace<T>& trace,
                  const Sequence<T>& d_output, const Gradients<T>& to, const Sequence<T>& d_x, Scratch<T, E>& s) const
    {
        const int64_t H = n.units, I = n.inputs, ld = (same ? 5 : 3) * H, ld_e = (same ? 5 : 4) * H;
        const Rows<T> inputs = gather(t, count, row, m, s);
        times_transposed<T, T>(count * m, H, I, inputs, {w.input, I}, 0, s.drive.data(), H);
        repeat_gains(count, m, trace, s.gains.data());
        E* d_e = same ? reinterpret_cast<E*>(s.d.data() + H) : s.d_e.data();
        std::fill(s.sums.begin(), s.sums.end(), T(0));
        for (int64_t k = count - 1; k >= 0; k--)
        {
            const T* state = trace.state + 2 * k * m * H;
            E* d_now = d_e + k * m * ld_e;
            if (d_output.data) add_rows(t + k, row, m, d_output, s.d_state.data());
            prepare<T, E, rectified>(m, H, state, s.state_e.data() + (same ? 0 : 2 * k * m * H), s.pooled.data() + k * m * H);
            retreat<T, E, rectified>(m, H, w.steps, state, trace.gates + 2 * k * m * H, s.drive.data() + k * m * H,
                                     trace.recurrent + k * m * H, s.gains.data() + 2 * k * m * H, s.d_state.data(),
                                     s.d_gains.data(), s.d.data() + k * m * ld, d_now, s.sums.data());
            times<E, T>(m, 2 * H, n.last - n.first, {d_now + n.first, ld_e}, w.gates, 1, s.d_state.data(), 2 * H);
            times<E, T>(m, H, H, {d_now + 2 * H, ld_e}, w.recurrent, 1, s.d_state.data(), 2 * H);
            times<E, T>(m, H, H, {d_now + 3 * H, ld_e}, w.pool, 0, s.delivered.data(), H);
            retreat_pool<T, rectified>(m, H, state, s.delivered.data(), s.d_state.data());
        }
        const E* state_e = operand(trace.state, s.state_e.data());
        add_outer<T, T>(3 * H, I, count * m, {s.d.data(), ld}, inputs, to.input);
        add_outer<E, T>(n.last - n.first, 2 * H, count * m, {d_e + n.first, ld_e}, {state_e, 2 * H},
                        to.gates + 2 * H * n.first, n.tiled<E>());
        add_outer<E, T>(H, H, count * m, {d_e + 2 * H, ld_e}, {state_e, 2 * H}, to.recurrent, n.tiled<E>());
        add_outer<E, T>(H, H, count * m, {d_e + 3 * H, ld_e}, {s.pooled.data(), H}, to.pool, n.tiled<E>());
        for (int64_t i = 0; i < 4 * H; i++) to.steps[i] += s.sums[i];
        if (!d_x.data) return;
        times<T, T>(count * m, I, 3 * H, {s.d.data(), ld}, {w.input, I}, 0, s.d_x.data(), I);
        for (int64_t k = 0; k < count; k++)
            for (int64_t r = 0; r < m; r++)
                std::memcpy(d_x.at(t + k, row + r), s.d_x.data() + (k * m + r) * I, I * sizeof(T));
    }

private:
    static const E* operand(const T* own, const E* copy)
    {
        if constexpr (same) return own;
        else return copy;
    }

    Rows<T> gather(int64_t t, int64_t count, int64_t row, int64_t m, Scratch<T, E>& s) const
    {
        const int64_t I = n.inputs;
        for (int64_t k = 0; k < count; k++)
            for (int64_t r = 0; r < m; r++)
                std::memcpy(s.x.data() + (k * m + r) * I, x.at(t + k, row + r), I * sizeof(T));
        return {s.x.data(), I};
    }

    static void add_rows(int64_t t, int64_t row, int64_t m, const Sequence<T>& from, T* to)
    {
        const int64_t H = from.size;
        for (int64_t r = 0; r < m; r++)
        {
            const T* __restrict source = from.at(t, row + r);
            T* __restrict target = to + 2 * H * r;
            #pragma omp simd
            for (int64_t i = 0; i < H; i++) target[i] += source[i];
        }
    }

    // The gains before each step, exactly as `advance` made them.
    void repeat_gains(int64_t count, int64_t m, const Trace<T>& trace, T* gains) const
    {
        const int64_t H = n.units, size = 2 * m * H;
        std::memcpy(gains, trace.gains, size * sizeof(T));
        for (int64_t k = 1; k < count; k++)
            for (int64_t r = 0; r < m; r++)
            {
                const T* __restrict h = w.steps + 2 * H;
                const T* __restrict old = gains + (k - 1) * size + 2 * H * r;
                const T* __restrict g = trace.gates + (k - 1) * size + 2 * H * r;
                T* __restrict b = gains + k * size + 2 * H * r;
                #pragma omp simd
                for (int64_t i = 0; i < 2 * H; i++) b[i] = old[i] + h[i] * (g[i] - old[i]);
            }
    }
};

}  // namespace
#endif
