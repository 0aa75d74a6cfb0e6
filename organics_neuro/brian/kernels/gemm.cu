// Several trials: a product of matrices by cuBLAS.
#include <cstdio>
#include <cstdlib>
#include <cublas_v2.h>
#ifndef ORGANICS_CUBLAS
#define ORGANICS_CUBLAS
// A program does not go on with a product that cuBLAS could not make.
inline void organics_check(const cublasStatus_t status, const char* call)
{
    if (status == CUBLAS_STATUS_SUCCESS) return;
    std::fprintf(stderr, "ERROR: %s of cuBLAS failed with status %d\n", call, (int)status);
    std::exit(EXIT_FAILURE);
}

// One handle, with its workspace, for the whole program: an inline function is the same in all of its files.
inline cublasHandle_t organics_cublas()
{
    static cublasHandle_t handle = nullptr;
    if (!handle) organics_check(cublasCreate(&handle), "cublasCreate");
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
        organics_check(cublasDgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &keep, r.start, m), "cublasDgemm");
    else
        organics_check(cublasSgemm(handle, T, N, m, trials, n, &one, matrix, n, x, n, &keep, r.start, m), "cublasSgemm");
}
}
