// The four products that the kernels use: matrices by columns, in the meaning and with the checks of cuBLAS.
#pragma once
#include "cuda_runtime.h"

enum cublasStatus_t
{
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_EXECUTION_FAILED = 13
};
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C };
typedef struct stand_in_cublas* cublasHandle_t;

cublasStatus_t cublasCreate(cublasHandle_t* handle);
cublasStatus_t cublasDestroy(cublasHandle_t handle);

#define STAND_IN_PRODUCTS(Letter, Real)                                                                                \
    cublasStatus_t cublas##Letter##gemm(cublasHandle_t handle, cublasOperation_t opa, cublasOperation_t opb, int m,    \
                                        int n, int k, const Real* alpha, const Real* a, int lda, const Real* b,        \
                                        int ldb, const Real* beta, Real* c, int ldc);                                  \
    cublasStatus_t cublas##Letter##gemv(cublasHandle_t handle, cublasOperation_t op, int m, int n, const Real* alpha,  \
                                        const Real* a, int lda, const Real* x, int incx, const Real* beta, Real* y,    \
                                        int incy);
STAND_IN_PRODUCTS(D, double)
STAND_IN_PRODUCTS(S, float)
#undef STAND_IN_PRODUCTS
