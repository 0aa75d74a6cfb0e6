// Several trials: a product of matrices by cuBLAS.
#include <cublas_v2.h>
#ifndef ORGANICS_CUBLAS
#define ORGANICS_CUBLAS
// One handle, with its workspace, for the whole program: an inline function is the same in all of its files.
inline cublasHandle_t organics_cublas()
{
    static cublasHandle_t handle = nullptr;
    if (!handle) organics_check(cublasCreate(&handle), "cuBLAS", "cublasCreate");
    return handle;
}
#endif
namespace {
template <typename Real>
void organics_gemm(const Real* x, const Organics_target<Real> r, const int m, const int n, const int trials,
                   const Real* matrix)
{
    const cublasHandle_t handle = organics_cublas();
    const Real one = 1, keep = r.add ? 1 : 0;
    const auto T = CUBLAS_OP_T, N = CUBLAS_OP_N;
    if constexpr (sizeof(Real) == sizeof(double))
        organics_check(cublasDgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &keep, r.start, m), "cuBLAS",
                       "cublasDgemm");
    else
        organics_check(cublasSgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &keep, r.start, m), "cuBLAS",
                       "cublasSgemm");
}
}
