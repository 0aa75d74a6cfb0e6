"""Dense weights: a matrix-vector product for one trial, a matrix-matrix product for many."""

from organics_neuro.brian.kernels.frames import Kernel

_CYTHON_SUPPORT = """
from scipy.linalg.cython_blas cimport dgemm as _dgemm, dgemv as _dgemv, sgemm as _sgemm, sgemv as _sgemv
"""

# A row-major (m, n) matrix is a column-major (n, m) one to BLAS.
_CYTHON = """
cdef int _one = 1
cdef {{real}} _unit = 1, _zero = 0
if _trials == 1:
    _{{blas}}gemv("T", &_n, &_m, &_unit, {{_w_matrix}}, &_n, _x, &_one, &_zero, _r, &_one)
else:
    _{{blas}}gemm("T", "N", &_m, &_trials, &_n, &_unit, {{_w_matrix}}, &_n, _x, &_n, &_zero, _r, &_m)
"""

# Four rows of weights by four trials at a time: each number that is read is used four times. The compiler
# vectorises the innermost loop, over source units (Brian2 compiles with -ffast-math).
_CPP_SUPPORT = """
namespace {
template <typename Real>
inline void organics_dense(const Real* __restrict w, const Real* __restrict source, Real* __restrict target,
                           const int m, const int n, const int trials)
{
    int i = 0;
    for (; i + 4 <= m; i += 4)
    {
        const Real *w0 = w + (size_t)i*n, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
        int b = 0;
        for (; b + 4 <= trials; b += 4)
        {
            const Real *x0 = source + (size_t)b*n, *x1 = x0 + n, *x2 = x1 + n, *x3 = x2 + n;
            Real s00=0, s01=0, s02=0, s03=0, s10=0, s11=0, s12=0, s13=0;
            Real s20=0, s21=0, s22=0, s23=0, s30=0, s31=0, s32=0, s33=0;
            for (int j = 0; j < n; j++)
            {
                const Real u0 = w0[j], u1 = w1[j], u2 = w2[j], u3 = w3[j];
                const Real v0 = x0[j], v1 = x1[j], v2 = x2[j], v3 = x3[j];
                s00 += u0*v0; s01 += u0*v1; s02 += u0*v2; s03 += u0*v3;
                s10 += u1*v0; s11 += u1*v1; s12 += u1*v2; s13 += u1*v3;
                s20 += u2*v0; s21 += u2*v1; s22 += u2*v2; s23 += u2*v3;
                s30 += u3*v0; s31 += u3*v1; s32 += u3*v2; s33 += u3*v3;
            }
            Real* r = target + (size_t)b*m + i;
            r[0] = s00; r[1] = s10; r[2] = s20; r[3] = s30; r += m;
            r[0] = s01; r[1] = s11; r[2] = s21; r[3] = s31; r += m;
            r[0] = s02; r[1] = s12; r[2] = s22; r[3] = s32; r += m;
            r[0] = s03; r[1] = s13; r[2] = s23; r[3] = s33;
        }
        for (; b < trials; b++)
        {
            const Real* x = source + (size_t)b*n;
            Real s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (int j = 0; j < n; j++)
            {
                s0 += w0[j]*x[j]; s1 += w1[j]*x[j]; s2 += w2[j]*x[j]; s3 += w3[j]*x[j];
            }
            Real* r = target + (size_t)b*m + i;
            r[0] = s0; r[1] = s1; r[2] = s2; r[3] = s3;
        }
    }
    for (; i < m; i++)
        for (int b = 0; b < trials; b++)
        {
            Real s = 0;
            for (int j = 0; j < n; j++) s += w[(size_t)i*n + j]*source[(size_t)b*n + j];
            target[(size_t)b*m + i] = s;
        }
}
}
"""

DENSE = Kernel(
    arrays=lambda operator: {"matrix": operator.matrix},
    numpy="_numpy.dot(_x, {{_w_matrix}}.reshape(_m, _n).T, out=_r)",
    cython=_CYTHON,
    cython_support=_CYTHON_SUPPORT,
    cpp="organics_dense<_Real>({{_w_matrix}}, _x, _r, _m, _n, _trials);",
    cpp_support=_CPP_SUPPORT,
)
