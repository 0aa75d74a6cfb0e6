// Whole sequences: blocks of rows shared between threads, each through all chunks of steps.

#ifndef ORGANICS_GATED_SEQUENCE_H
#define ORGANICS_GATED_SEQUENCE_H

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "chunk.h"

namespace {

// Calls work(lane, first row, rows) for each block; the blocks of a lane follow one another on one thread.
template <typename Work> void for_each_block(const Sizes& n, int64_t lanes, const Work& work)
{
    const int64_t blocks = (n.batch + n.block - 1) / n.block;
    at::parallel_for(0, lanes, 1, [&](int64_t begin, int64_t end) {
        for (int64_t lane = begin; lane < end; lane++)
            work(lane, [&](auto&& run) {
                for (int64_t k = lane * blocks / lanes; k < (lane + 1) * blocks / lanes; k++)
                    run(k * n.block, std::min(n.block, n.batch - k * n.block));
            });
    });
}

int64_t count_lanes(const Sizes& n)
{
    return std::min<int64_t>(at::get_num_threads(), (n.batch + n.block - 1) / n.block);
}

enum Keep { NOTHING, TRACE, STARTS };

// Runs all steps from the state in `state` and `gains`, which are updated; `saved` receives what `keep` says.
template <typename T, typename E, bool rectified>
void run_forward(const Circuit<T, E, rectified>& circuit, T* state, T* gains, Keep keep, T* saved)
{
    const Sizes& n = circuit.n;
    const int64_t H = n.units;
    for_each_block(n, count_lanes(n), [&](int64_t, auto&& blocks) {
        Scratch<T, E> s(n, keep == TRACE ? 0 : CHUNK, false);
        blocks([&](int64_t row, int64_t m) {
            const int64_t bytes = 2 * m * H * sizeof(T);
            T *state_m = state + 2 * row * H, *gains_m = gains + 2 * row * H;
            const bool all = keep == TRACE;
            const Trace<T> trace(all ? saved + row * n.trace(n.steps) : s.trace.data(), all ? n.steps : CHUNK, m * H);
            T* last = trace.state;
            std::memcpy(last, state_m, bytes);
            for (int64_t t = 0; t < n.steps;)
            {
                if (keep == STARTS && t % n.segment == 0)
                {
                    T* start = saved + 4 * H * (row * n.segments() + t / n.segment * m);
                    std::memcpy(start, trace.state, bytes);
                    std::memcpy(start + 2 * m * H, gains_m, bytes);
                }
                const int64_t count = std::min({CHUNK, n.segment - t % n.segment, n.steps - t});
                circuit.forward(t, count, row, m, all ? trace.from(t) : trace, gains_m, s);
                t += count;
                last = trace.state + 2 * (all ? t : count) * m * H;
                if (!all) std::memcpy(trace.state, last, bytes);
            }
            std::memcpy(state_m, last, bytes);
        });
    });
}

// Back through all steps: `d_state` and `d_gains` are gradients of the last state and become those of the first.
template <typename T, typename E, bool rectified>
void run_backward(const Circuit<T, E, rectified>& circuit, const T* saved, const Sequence<T>& d_output, T* d_state,
                  T* d_gains, const std::vector<Gradients<T>>& to, const Sequence<T>& d_x)
{
    const Sizes& n = circuit.n;
    const int64_t H = n.units, segments = n.segments();
    for_each_block(n, to.size(), [&](int64_t lane, auto&& blocks) {
        Scratch<T, E> s(n, segments > 1 ? n.segment : 0, true);
        blocks([&](int64_t row, int64_t m) {
            const int64_t bytes = 2 * m * H * sizeof(T);
            std::memcpy(s.d_state.data(), d_state + 2 * row * H, bytes);
            std::memcpy(s.d_gains.data(), d_gains + 2 * row * H, bytes);
            for (int64_t k = segments - 1; k >= 0; k--)
            {
                const int64_t first = k * n.segment, count = std::min(n.segment, n.steps - first);
                T* memory = segments > 1 ? s.trace.data() : const_cast<T*>(saved) + row * n.trace(n.steps);
                const Trace<T> trace(memory, segments > 1 ? n.segment : n.steps, m * H);
                if (segments > 1)
                {
                    const T* start = saved + 4 * H * (row * segments + k * m);
                    std::memcpy(trace.state, start, bytes);
                    std::memcpy(s.now.data(), start + 2 * m * H, bytes);
                    for (int64_t t = 0; t < count; t += CHUNK)
                        circuit.forward(first + t, std::min(CHUNK, count - t), row, m, trace.from(t), s.now.data(), s);
                }
                for (int64_t t = (count - 1) / CHUNK * CHUNK; t >= 0; t -= CHUNK)
                    circuit.backward(first + t, std::min(CHUNK, count - t), row, m, trace.from(t), d_output, to[lane],
                                     d_x, s);
            }
            std::memcpy(d_state + 2 * row * H, s.d_state.data(), bytes);
            std::memcpy(d_gains + 2 * row * H, s.d_gains.data(), bytes);
        });
    });
}

}  // namespace
#endif
