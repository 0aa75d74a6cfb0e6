# A row-major (m, n) matrix is a column-major (n, m) one to BLAS.
from scipy.linalg.cython_blas cimport dgemm as _dgemm, dgemv as _dgemv, sgemm as _sgemm, sgemv as _sgemv

cdef void _organics_dense({{_real}}* x, {{_real}}* r, int m, int n, int trials, {{_real}}* matrix) noexcept:
    cdef int one = 1
    cdef {{_real}} unit = 1, zero = 0
    if trials == 1:
        _{{_blas}}gemv("T", &n, &m, &unit, matrix, &n, x, &one, &zero, r, &one)
    else:
        _{{_blas}}gemm("T", "N", &m, &trials, &n, &unit, matrix, &n, x, &n, &zero, r, &m)
