// Sizes of a run, weights and gradients, and where the numbers of each step lie in memory.

#ifndef ORGANICS_GATED_LAYOUT_H
#define ORGANICS_GATED_LAYOUT_H

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <type_traits>
#include <vector>

#include "products.h"

namespace {

using at::Tensor;
using std::int64_t;

constexpr int64_t CHUNK = 4;  // steps whose input products and weight gradients are made together
constexpr int64_t TILED_ROWS = 128;  // rows of all steps from which preparing weights for AMX tiles pays

struct Sizes
{
    int64_t steps, batch, inputs, units, block, segment;
    int64_t first, last;  // rows of the gate matrix that are used: those of a constant gain, of step size 0, are not

    // Whether products of numbers of type E are made on AMX tiles.
    template <typename E> bool tiled() const
    {
        return std::is_same<E, float>::value && steps * batch >= TILED_ROWS && organics_amx::are_faster(units, block);
    }
    int64_t segments() const { return (steps + segment - 1) / segment; }
    // Numbers of the trace of one row over n steps; see Trace.
    int64_t trace(int64_t n) const { return units * (2 * (n + 1) + 3 * n + 2 * ((n + CHUNK - 1) / CHUNK)); }
    // Numbers that the backward pass needs of the forward pass: the trace, or the state at the start of each segment.
    int64_t saved(bool keep) const { return !keep ? 0 : batch * (segments() > 1 ? 4 * units * segments() : trace(steps)); }
};

template <typename T, typename E> struct Weights
{
    const T *input, *steps;           // (3 H, I): drive, b0, b; (4, H): h_y, h_a, h_0, h_b
    Factor<E> recurrent, gates, pool; // (H, H); the rows of (2 H, 2 H), from [y, a] to [b0, b], that are used; (H, H)
};

template <typename T> struct Gradients
{
    T *input, *steps, *recurrent, *gates, *pool;
};

// What the backward pass needs of n steps of m rows. The gains are kept once a chunk and made again from the gates.
template <typename T> struct Trace
{
    int64_t size;                          // of one variable: m H numbers
    T *state, *gates, *recurrent, *gains;  // (n + 1, m, 2 H); (n, m, 2 H); (n, m, H); (chunks, m, 2 H)

    Trace(T* memory, int64_t n, int64_t numbers)
        : size(numbers), state(memory), gates(state + 2 * (n + 1) * size), recurrent(gates + 2 * n * size),
          gains(recurrent + n * size)
    {
    }

    Trace from(int64_t t) const  // a multiple of CHUNK
    {
        Trace later = *this;
        later.state += 2 * t * size, later.gates += 2 * t * size, later.recurrent += t * size;
        later.gains += 2 * (t / CHUNK) * size;
        return later;
    }
};

// Buffers of one thread, for m rows and CHUNK steps.
template <typename T, typename E> struct Scratch
{
    static constexpr bool same = std::is_same<T, E>::value;
    std::vector<T> x, drive, delivered, now, gains, sums, trace, d_state, d_gains, d, d_x;
    std::vector<E> state_e, pooled, d_e;

    Scratch(const Sizes& n, int64_t traced, bool backward)
    {
        const int64_t m = n.block, c = CHUNK * m, H = n.units;
        x.resize(c * n.inputs), drive.resize(c * H), delivered.resize(m * H), now.resize(2 * m * H);
        pooled.resize((backward ? c : m) * H), state_e.resize(same ? 0 : (backward ? 2 * c : 2 * m) * H);
        trace.resize(m * n.trace(traced));
        if (!backward) return;
        gains.resize(2 * c * H), sums.resize(4 * H), d_state.resize(2 * m * H), d_gains.resize(2 * m * H);
        d.resize((same ? 5 : 3) * c * H), d_e.resize(same ? 0 : 4 * c * H), d_x.resize(c * n.inputs);
    }
};

// A tensor (steps, batch, n) whose last axis is contiguous.
template <typename T> struct Sequence
{
    T* data = nullptr;
    int64_t step = 0, row = 0, size = 0;

    Sequence() = default;
    explicit Sequence(const Tensor& x) : data(x.numel() ? x.data_ptr<T>() : nullptr)
    {
        if (data) step = x.stride(0), row = x.stride(1), size = x.size(2);
    }
    T* at(int64_t t, int64_t r) const { return data + t * step + r * row; }
};

}  // namespace
#endif
