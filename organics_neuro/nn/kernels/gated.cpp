// The gated circuit over whole sequences on a CPU: forward pass, and the backward pass derived by hand.
//
// With y, a, b0, b of (batch, H) and all right-hand sides at the old state, one step is
//
//     y  <- (1 - h_y) y + b f(W_x0 x) + (1 - sqrt(relu a)) f(W_r y)
//     a  <- (1 - h_a) a + h_a b0^2 + W_a (relu(a) f(y)^2)
//     b0 <- (1 - h_0) b0 + h_0 sigmoid(W_x1 x + W_g0 [y, a])
//     b  <- (1 - h_b) b + h_b sigmoid(W_x2 x + W_g1 [y, a])
//
// where f is relu in the rectified circuit and the identity in the other. The caller has multiplied the step sizes
// h_y and h_a into the rows of W_x0 and W_r, and of W_a; with no step size below 0 the two forms are the same.
//
// Rows of a batch are independent, so that each block of them runs through all the time steps alone, and its state
// stays in the cache; blocks are shared between threads. Products with the input and all weight gradients are made
// for a chunk of steps at once. What the backward pass needs of a step, its trace, is kept for the whole sequence or,
// with checkpoints, made again from the state at the start of each segment.

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <vector>

#include "memory.h"
#include "sequence.h"

namespace {

// A matrix of weights in the type of the products, kept alive while pointers to it are used; prepared for AMX tiles if
// `tiled`, for the passes that it is used in.
template <typename E> struct HeldFactor
{
    Tensor matrix;
    organics_amx::Slices transposed, straight;

    HeldFactor(const Tensor& w, bool tiled, bool forward, bool backward)
        : matrix(w.to(c10::CppTypeToScalarType<E>::value).contiguous())
    {
        if constexpr (std::is_same<E, float>::value)
        {
            const int rows = w.size(0), columns = w.size(1);
            if (tiled && forward) transposed.take_columns(rows, columns, matrix.t().contiguous().data_ptr<E>(), rows);
            if (tiled && backward) straight.take_columns(columns, rows, matrix.data_ptr<E>(), columns);
        }
    }
    Factor<E> pointers() const
    {
        Factor<E> factor(matrix.data_ptr<E>(), matrix.size(1));
        if (transposed.lines) factor.transposed = &transposed;
        if (straight.lines) factor.straight = &straight;
        return factor;
    }
};

void check_shape(const char* name, const Tensor& tensor, at::IntArrayRef shape)
{
    TORCH_CHECK_VALUE(tensor.sizes() == shape, "the fused kernel needs ", name, " of shape ", shape, ", got ", tensor.sizes());
}

// All weights; of the gates, the rows that are used.
template <typename T, typename E> struct Held
{
    Tensor input, steps;
    HeldFactor<E> recurrent, gates, pool;

    Held(const Sizes& n, const Tensor& w_x, const Tensor& w_r, const Tensor& w_g, const Tensor& w_a, const Tensor& h,
         bool forward, bool backward)
        : input(w_x.contiguous()), steps(h.contiguous()), recurrent(w_r, n.tiled<E>(), forward, backward),
          gates(w_g.slice(0, n.first, n.last), n.tiled<E>(), forward, backward),
          pool(w_a, n.tiled<E>(), forward, backward)
    {
        check_shape("w_x", w_x, {3 * n.units, n.inputs});
        check_shape("w_r", w_r, {n.units, n.units});
        check_shape("w_g", w_g, {2 * n.units, 2 * n.units});
        check_shape("w_a", w_a, {n.units, n.units});
        check_shape("h", h, {4, n.units});
    }
    Weights<T, E> pointers() const
    {
        return {input.data_ptr<T>(), steps.data_ptr<T>(), recurrent.pointers(), gates.pointers(), pool.pointers()};
    }
};

Sizes sizes(const Tensor& x, const Tensor& state, int64_t block, int64_t segment, int64_t first, int64_t last)
{
    const int64_t steps = x.size(0);
    return {steps, x.size(1), x.size(2), state.size(1) / 2, block, std::min(segment, steps), first, last};
}

// Calls work<T, E, rectified> for the types at hand.
template <typename Work> auto dispatch(const Tensor& x, bool bfloat16, bool rectified, const Work& work)
{
    TORCH_CHECK(x.scalar_type() == at::kFloat || (x.scalar_type() == at::kDouble && !bfloat16),
                "the fused kernel takes float32 or float64, got ", x.scalar_type());
    const auto choose = [&](auto t, auto e) {
        return rectified ? work(t, e, std::true_type()) : work(t, e, std::false_type());
    };
    if (x.scalar_type() == at::kDouble) return choose(double(), double());
    return bfloat16 ? choose(float(), at::BFloat16()) : choose(float(), float());
}

using Forward = std::tuple<Tensor, Tensor, Tensor, Tensor>;
using Backward = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

// Output (steps, batch, H) if `whole` and otherwise empty, the last state and gains (batch, 2 H), and what the backward
// pass needs if `keep`.
Forward forward(const Tensor& x, const Tensor& w_x, const Tensor& w_r, const Tensor& w_g, const Tensor& w_a,
                const Tensor& h, const Tensor& state, const Tensor& gains, int64_t block, int64_t segment,
                int64_t first, int64_t last, bool rectified, bool bfloat16, bool whole, bool keep)
{
    return dispatch(x, bfloat16, rectified, [&](auto t, auto e, auto rectify) -> Forward {
        using T = decltype(t);
        using E = decltype(e);
        const Sizes n = sizes(x, state, block, segment, first, last);
        const Held<T, E> held(n, w_x, w_r, w_g, w_a, h, true, false);
        check_shape("state", state, {n.batch, 2 * n.units});
        check_shape("gains", gains, {n.batch, 2 * n.units});
        const Tensor output = make_empty({whole ? n.steps : 0, n.batch, n.units}, x);
        const Tensor end = state.clone(at::MemoryFormat::Contiguous), end_gains = gains.clone(at::MemoryFormat::Contiguous);
        const Keep what = !keep ? NOTHING : n.segments() > 1 ? STARTS : TRACE;
        const int64_t size = n.saved(keep);
        const Tensor saved = size ? Traces::take(size, x) : make_empty({0}, x);
        const Circuit<T, E, decltype(rectify)::value> circuit{n, held.pointers(), Sequence<T>(x), Sequence<T>(output)};
        run_forward(circuit, end.data_ptr<T>(), end_gains.data_ptr<T>(), what, saved.data_ptr<T>());
        return {output, end, end_gains, saved};
    });
}

// Gradients of x (empty unless wanted), w_x, w_r, w_g, w_a, h, the first state and its gains. An empty d_output is 0.
Backward backward(const Tensor& d_output, const Tensor& d_last, const Tensor& d_last_gains, const Tensor& x,
                  const Tensor& w_x, const Tensor& w_r, const Tensor& w_g, const Tensor& w_a, const Tensor& h,
                  const Tensor& saved, int64_t block, int64_t segment, int64_t first, int64_t last, bool rectified,
                  bool bfloat16, bool wants_x)
{
    return dispatch(x, bfloat16, rectified, [&](auto t, auto e, auto rectify) -> Backward {
        using T = decltype(t);
        using E = decltype(e);
        const Sizes n = sizes(x, d_last, block, segment, first, last);
        const Held<T, E> held(n, w_x, w_r, w_g, w_a, h, n.segments() > 1, true);
        const Tensor d_state = d_last.clone(at::MemoryFormat::Contiguous), d_gains = d_last_gains.clone(at::MemoryFormat::Contiguous);
        const Tensor d_x = make_empty({wants_x ? n.steps : 0, n.batch, n.inputs}, x);
        const int64_t lanes = count_lanes(n), I = n.inputs, H = n.units, total = 3 * H * I + 6 * H * H + 4 * H;
        const Tensor parts = at::zeros({lanes, total}, x.options());
        std::vector<Gradients<T>> to;
        for (int64_t k = 0; k < lanes; k++)
        {
            T* p = parts.data_ptr<T>() + k * total;
            to.push_back({p, p + 3 * H * I + 6 * H * H, p + 3 * H * I, p + 3 * H * I + H * H, p + 3 * H * I + 5 * H * H});
        }
        const Circuit<T, E, decltype(rectify)::value> circuit{n, held.pointers(), Sequence<T>(x), Sequence<T>()};
        run_backward(circuit, saved.data_ptr<T>(), Sequence<T>(d_output), d_state.data_ptr<T>(), d_gains.data_ptr<T>(), to,
                     Sequence<T>(d_x));
        const auto d = parts.sum(0).split_with_sizes({3 * H * I, H * H, 4 * H * H, H * H, 4 * H});
        const auto part = [&](int64_t k, at::IntArrayRef shape) { return d[k].view(shape).clone(); };  // no two share memory
        return {d_x, part(0, {3 * H, I}), part(1, {H, H}), part(2, {2 * H, 2 * H}), part(3, {H, H}), part(4, {4, H}),
                d_state, d_gains};
    });
}

}  // namespace

TORCH_LIBRARY(organics_neuro, m)
{
    m.def("has_bfloat16", [] { return cblas_gemm_bf16bf16f32 != nullptr; });
    m.def("gated_trace", [](int64_t steps, int64_t batch, int64_t units, int64_t segment, bool keep) {
        return Sizes{steps, batch, 0, units, 0, segment, 0, 0}.saved(keep);
    });
    m.def("gated_forward(Tensor x, Tensor w_x, Tensor w_r, Tensor w_g, Tensor w_a, Tensor h, Tensor state, Tensor gains, "
          "int block, int segment, int first, int last, bool rectified, bool bfloat16, bool whole, bool keep) -> "
          "(Tensor, Tensor, Tensor, Tensor)");
    m.def("gated_backward(Tensor d_output, Tensor d_last, Tensor d_last_gains, Tensor x, Tensor w_x, Tensor w_r, "
          "Tensor w_g, Tensor w_a, Tensor h, Tensor saved, int block, int segment, int first, int last, bool rectified, "
          "bool bfloat16, bool wants_x) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(organics_neuro, CPU, m)
{
    m.impl("gated_forward", forward);
    m.impl("gated_backward", backward);
}
