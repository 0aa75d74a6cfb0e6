// Matrix products: by BLAS, or by AMX tiles (tiles.h) for weights that were prepared for them.

#ifndef ORGANICS_GATED_PRODUCTS_H
#define ORGANICS_GATED_PRODUCTS_H

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <type_traits>

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

// The operands of a matrix product: rows, and how far apart they are.
template <typename E> struct Rows
{
    const E* data;
    int stride;
    Rows(const E* data, int64_t stride) : data(data), stride(static_cast<int>(stride)) {}
};

// Weights; where products are made on AMX tiles, also prepared for these as right factor of `times_transposed`, of `times`.
template <typename E> struct Factor : Rows<E>
{
    const organics_amx::Slices *transposed = nullptr, *straight = nullptr;
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
        if (w.transposed) return organics_amx::times(m, n, k, a.data, a.stride, *w.transposed, beta != 0, c, stride);
    gemm('T', 'N', n, m, k, w, a, beta, c, stride);
}

// c (m, n) = beta c + a (m, k) w (k, n)
template <typename E, typename T> void times(int m, int n, int k, Rows<E> a, Factor<E> w, T beta, T* c, int stride)
{
    if constexpr (std::is_same<E, float>::value)
        if (w.straight) return organics_amx::times(m, n, k, a.data, a.stride, *w.straight, beta != 0, c, stride);
    gemm('N', 'N', n, m, k, w, a, beta, c, stride);
}

// c (m, n) += a (k, m)^T b (k, n)
template <typename E, typename T> void add_outer(int m, int n, int k, Rows<E> a, Rows<E> b, T* c, bool tiled = false)
{
    if constexpr (std::is_same<E, float>::value)
        if (tiled) return organics_amx::add_outer(m, n, k, a.data, a.stride, b.data, b.stride, c, n);
    gemm('N', 'T', n, m, k, b, a, T(1), c, n);
}

}  // namespace
#endif
