// Functions of one number: rectification, the sigmoid, and rounding to bfloat16.

#ifndef ORGANICS_GATED_ARITHMETIC_H
#define ORGANICS_GATED_ARITHMETIC_H

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

namespace {

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

}  // namespace
#endif
