#include <cublas_v2.h>
namespace {
template <typename Real>
void _organics_dense(const Real* x, Real* r, const int m, const int n, const int trials, const Real* matrix)
{
    static cublasHandle_t handle = nullptr;
    if (!handle) cublasCreate(&handle);
    const Real one = 1, zero = 0;
    const auto T = CUBLAS_OP_T, N = CUBLAS_OP_N;
    if constexpr (sizeof(Real) == sizeof(double))
        trials == 1 ? cublasDgemv(handle, T, n, m, &one, matrix, n, x, 1, &zero, r, 1)
                    : cublasDgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &zero, r, m);
    else
        trials == 1 ? cublasSgemv(handle, T, n, m, &one, matrix, n, x, 1, &zero, r, 1)
                    : cublasSgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &zero, r, m);
}
}
