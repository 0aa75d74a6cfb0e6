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

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tiles.h"

// BLAS, from the library that torch brings; products of bfloat16 only where that is Intel's.
extern "C" {
void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*, const int*,
            const float*, const int*, const float*, float*, const int*);
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*, const int*,
            const double*, const int*, const double*, double*, const int*);
__attribute__((weak)) void cblas_gemm_bf16bf16f32(int, int, int, int, int, int, float, const at::BFloat16*, int,
                                                  const at::BFloat16*, int, float, float*, int);
}

namespace {

using at::Tensor;
using std::int64_t;

constexpr int64_t CHUNK = 4;  // steps whose input products and weight gradients are made together
constexpr int64_t TILED_ROWS = 128;  // rows of all steps from which it is worth it to cut weights in digits

// --- arithmetic ----------------------------------------------------------------------------------------------------

template <typename T> inline T relu(T x) { return T(0) > x ? T(0) : x; }  // NaN stays NaN
template <bool rectified, typename T> inline T rectify(T x) { return rectified ? relu(x) : x; }

// How exp is computed: from 2^n exp(r), |r| <= log(2)/2, with the Taylor series of exp(r). Adding `shift` to a number
// leaves the nearest integer in its last bits; moved up by `mantissa` bits, they are an exponent.
template <typename T> struct Exponential;
constexpr double TAYLOR[] = {1.,          1.,           1. / 2,        1. / 6,         1. / 24,
                             1. / 120,    1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                             1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
template <> struct Exponential<float>
{
    using Bits = uint32_t;
    static constexpr int degree = 7, mantissa = 23;
    static constexpr float largest = 87, shift = 0x1.8p23f, high = 0x1.62e4p-1f, low = 0x1.7f7d1cp-20f;
};
template <> struct Exponential<double>
{
    using Bits = uint64_t;
    static constexpr int degree = 13, mantissa = 52;
    static constexpr double largest = 700, shift = 0x1.8p52, high = 0x1.62e42feep-1, low = 0x1.a39ef35793c76p-33;
};

// Written out because compilers do not make vectors of std::exp.
template <typename T> inline T sigmoid(T x)
{
    using E = Exponential<T>;
    const T u = x < -E::largest ? E::largest : x > E::largest ? -E::largest : -x;
    const T shifted = u * T(1.4426950408889634) + E::shift, n = shifted - E::shift;
    const T r = (u - n * E::high) - n * E::low;
    T power = T(TAYLOR[E::degree]);
    #pragma GCC unroll 16
    for (int k = E::degree - 1; k >= 0; k--) power = power * r + T(TAYLOR[k]);
    typename E::Bits bits, exponent;
    std::memcpy(&bits, &power, sizeof bits);
    std::memcpy(&exponent, &shifted, sizeof exponent);
    bits += exponent << E::mantissa;
    std::memcpy(&power, &bits, sizeof bits);
    return T(1) / (T(1) + power);
}

inline void store(float& to, float x) { to = x; }
inline void store(double& to, double x) { to = x; }
inline void store(at::BFloat16& to, float x)  // round to nearest even, in a form that compilers vectorize
{
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    to.x = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// The operands of a matrix product: rows, and how far apart they are.
template <typename E> struct Rows
{
    const E* data;
    int stride;
    Rows(const E* data, int64_t stride) : data(data), stride(static_cast<int>(stride)) {}
};

// Weights, also cut in digits where products go to the tile unit: as right factor of `times_transposed`, and of `times`.
template <typename E> struct Factor : Rows<E>
{
    const organics_digits::Digits *transposed = nullptr, *straight = nullptr;
    using Rows<E>::Rows;
};

// A product as BLAS takes it, columns first: c = beta c + a b, each of a and b transposed or not.
inline void gemm(char a_as, char b_as, int m, int n, int k, Rows<float> a, Rows<float> b, float beta, float* c, int ldc)
{
    const float one = 1;
    sgemm_(&a_as, &b_as, &m, &n, &k, &one, a.data, &a.stride, b.data, &b.stride, &beta, c, &ldc);
}
inline void gemm(char a_as, char b_as, int m, int n, int k, Rows<double> a, Rows<double> b, double beta, double* c,
                 int ldc)
{
    const double one = 1;
    dgemm_(&a_as, &b_as, &m, &n, &k, &one, a.data, &a.stride, b.data, &b.stride, &beta, c, &ldc);
}
inline void gemm(char a_as, char b_as, int m, int n, int k, Rows<at::BFloat16> a, Rows<at::BFloat16> b, float beta,
                 float* c, int ldc)
{
    const auto as = [](char c) { return c == 'T' ? 112 : 111; };
    cblas_gemm_bf16bf16f32(102, as(a_as), as(b_as), m, n, k, 1, a.data, a.stride, b.data, b.stride, beta, c, ldc);
}

// c (m, n) = beta c + a (m, k) w (n, k)^T
template <typename E, typename T>
void times_transposed(int m, int n, int k, Rows<E> a, Factor<E> w, T beta, T* c, int stride)
{
    if constexpr (std::is_same<E, float>::value)
        if (w.transposed) return organics_digits::times(m, n, k, a.data, a.stride, *w.transposed, beta != 0, c, stride);
    gemm('T', 'N', n, m, k, w, a, beta, c, stride);
}

// c (m, n) = beta c + a (m, k) w (k, n)
template <typename E, typename T> void times(int m, int n, int k, Rows<E> a, Factor<E> w, T beta, T* c, int stride)
{
    if constexpr (std::is_same<E, float>::value)
        if (w.straight) return organics_digits::times(m, n, k, a.data, a.stride, *w.straight, beta != 0, c, stride);
    gemm('N', 'N', n, m, k, w, a, beta, c, stride);
}

// c (m, n) += a (k, m)^T b (k, n)
template <typename E, typename T> void add_outer(int m, int n, int k, Rows<E> a, Rows<E> b, T* c, bool tiled = false)
{
    if constexpr (std::is_same<E, float>::value)
        if (tiled) return organics_digits::add_outer(m, n, k, a.data, a.stride, b.data, b.stride, c, n);
    gemm('N', 'T', n, m, k, b, a, T(1), c, n);
}

// --- what is passed around -----------------------------------------------------------------------------------------

// Memory that is written for the first time. Large pages, where the system leaves the choice, make that much faster.
Tensor make_empty(at::IntArrayRef shape, const Tensor& like)
{
    const Tensor made = at::empty(shape, like.options());
#ifdef MADV_HUGEPAGE
    const uintptr_t page = 1 << 21, start = reinterpret_cast<uintptr_t>(made.data_ptr());
    const uintptr_t first = (start + page - 1) / page * page, end = (start + made.nbytes()) / page * page;
    if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
    return made;
}

// Traces that were given back, for the next training step: to get their pages anew costs a tenth of its time. Only
// traces of the last size are held, and never more of them than were in use together.
class Traces
{
public:
    static Tensor take(int64_t size, const Tensor& like)
    {
        Tensor memory = held().pop(size, like);
        if (!memory.defined()) memory = make_empty({size}, like);
        return at::from_blob(memory.data_ptr(), {size}, [memory](void*) { held().push(memory); }, like.options());
    }

private:
    std::mutex mutex;
    std::vector<Tensor> idle;

    static Traces& held()
    {
        static Traces* const all = new Traces;  // never destroyed: a tensor may outlive it
        return *all;
    }
    Tensor pop(int64_t size, const Tensor& like)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!idle.empty() && !fits(idle.back(), size, like)) idle.clear();
        if (idle.empty()) return {};
        const Tensor last = idle.back();
        idle.pop_back();
        return last;
    }
    void push(const Tensor& memory)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!idle.empty() && !fits(idle.back(), memory.numel(), memory)) idle.clear();
        idle.push_back(memory);
    }
    static bool fits(const Tensor& memory, int64_t size, const Tensor& like)
    {
        return memory.numel() == size && memory.scalar_type() == like.scalar_type();
    }
};

struct Sizes
{
    int64_t steps, batch, inputs, units, block, segment;
    int64_t first, last;  // rows of the gate matrix that are used: those of a constant gain, of step size 0, are not

    // Whether products of numbers of type E go to the tile unit.
    template <typename E> bool tiled() const
    {
        return std::is_same<E, float>::value && steps * batch >= TILED_ROWS && organics_digits::are_faster(units, block);
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

// --- one step of some rows -----------------------------------------------------------------------------------------

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

// --- a chunk of steps ----------------------------------------------------------------------------------------------

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

// --- whole sequences -----------------------------------------------------------------------------------------------

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

// --- tensors -------------------------------------------------------------------------------------------------------

// A matrix of weights in the type of the products, kept alive while pointers to it are used; cut in digits if `tiled`, for
// the passes that it is used in.
template <typename E> struct HeldFactor
{
    Tensor matrix;
    organics_digits::Digits transposed, straight;

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
