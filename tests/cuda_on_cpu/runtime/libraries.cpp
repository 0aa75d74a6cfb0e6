// Products and random numbers of the libraries.
#include <algorithm>
#include <random>
#include "cublas_v2.h"
#include "curand_kernel.h"

using stand_in::count;

// --- cuBLAS ----------------------------------------------------------------------------------------------------------
struct stand_in_cublas {};

namespace
{
template <typename Real>
struct Matrix
{
    const Real* start;
    int leading;
    bool transposed;
    Real operator()(const int row, const int column) const
    {
        return transposed ? start[column + size_t(row)*leading] : start[row + size_t(column)*leading];
    }
};

bool is_too_small(const int leading, const int rows) { return leading < std::max(1, rows); }

template <typename Real>
cublasStatus_t multiply(const char* call, cublasHandle_t handle, const int m, const int n, const int k, const Real alpha,
                        const Matrix<Real> a, const Matrix<Real> b, const Real beta, Real* c, const int ldc)
{
    count(call);
    if (stand_in::fails(call)) return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (m < 0 || n < 0 || k < 0 || is_too_small(a.leading, a.transposed ? k : m) ||
        is_too_small(b.leading, b.transposed ? n : k) || is_too_small(ldc, m))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!stand_in::holds(a.start) || !stand_in::holds(b.start) || !stand_in::holds(c))
        stand_in::fail("a pointer that is not of the device was given to", call);
    stand_in::Opened opened;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++)
        {
            Real sum = 0;
            for (int l = 0; l < k; l++) sum += a(i, l)*b(l, j);
            Real& result = c[i + size_t(j)*ldc];
            result = alpha*sum + (beta == 0 ? 0 : beta*result);
        }
    return CUBLAS_STATUS_SUCCESS;
}
}

cublasStatus_t cublasCreate(cublasHandle_t* handle)
{
    count("cublasCreate");
    if (stand_in::fails("cublasCreate")) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new stand_in_cublas;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

#define STAND_IN_PRODUCTS(Letter, Real)                                                                                \
    cublasStatus_t cublas##Letter##gemm(cublasHandle_t handle, cublasOperation_t opa, cublasOperation_t opb, int m,    \
                                        int n, int k, const Real* alpha, const Real* a, int lda, const Real* b,        \
                                        int ldb, const Real* beta, Real* c, int ldc)                                   \
    {                                                                                                                  \
        return multiply<Real>("cublas" #Letter "gemm", handle, m, n, k, *alpha, {a, lda, opa != CUBLAS_OP_N},          \
                              {b, ldb, opb != CUBLAS_OP_N}, *beta, c, ldc);                                            \
    }                                                                                                                  \
    cublasStatus_t cublas##Letter##gemv(cublasHandle_t handle, cublasOperation_t op, int m, int n, const Real* alpha,  \
                                        const Real* a, int lda, const Real* x, int incx, const Real* beta, Real* y,    \
                                        int incy)                                                                      \
    {                                                                                                                  \
        const bool transposed = op != CUBLAS_OP_N;                                                                     \
        const int rows = transposed ? n : m, inner = transposed ? m : n;                                               \
        if (incx != 1 || incy != 1 || is_too_small(lda, m)) return CUBLAS_STATUS_INVALID_VALUE;                        \
        return multiply<Real>("cublas" #Letter "gemv", handle, rows, 1, inner, *alpha, {a, lda, transposed},           \
                              {x, std::max(1, inner), false}, *beta, y, std::max(1, rows));                            \
    }
STAND_IN_PRODUCTS(D, double)
STAND_IN_PRODUCTS(S, float)

// --- cuRAND ----------------------------------------------------------------------------------------------------------
struct stand_in_generator { std::mt19937_64 engine; };

namespace
{
template <typename T, typename Distribution>
curandStatus_t generate(curandGenerator_t generator, T* to, const size_t size, Distribution distribution)
{
    count("curandGenerate");
    if (!stand_in::holds(to, size*sizeof(T))) return CURAND_STATUS_LAUNCH_FAILURE;
    stand_in::Opened opened;
    for (size_t k = 0; k < size; k++) to[k] = distribution(generator->engine);
    return CURAND_STATUS_SUCCESS;
}

template <typename T>
curandStatus_t generate_normal(curandGenerator_t generator, T* to, const size_t size, const T mean, const T sd)
{
    if (size % 2) return CURAND_STATUS_LENGTH_NOT_MULTIPLE;
    return generate(generator, to, size, std::normal_distribution<T>(mean, sd));
}

// The bits of a state as a generator of the standard library.
struct Bits
{
    typedef uint64_t result_type;
    curandState* state;
    static constexpr uint64_t min() { return 0; }
    static constexpr uint64_t max() { return ~uint64_t(0); }
    uint64_t operator()()
    {
        uint64_t bits = state->word += 0x9e3779b97f4a7c15u;
        bits = (bits ^ bits >> 30)*0xbf58476d1ce4e5b9u;
        bits = (bits ^ bits >> 27)*0x94d049bb133111ebu;
        return bits ^ bits >> 31;
    }
};
}

curandStatus_t curandCreateGenerator(curandGenerator_t* generator, curandRngType)
{
    *generator = new stand_in_generator;
    return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandDestroyGenerator(curandGenerator_t generator)
{
    delete generator;
    return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator, const unsigned long long seed)
{
    generator->engine.seed(seed);
    return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandGenerateUniform(curandGenerator_t generator, float* to, size_t size)
{
    return generate(generator, to, size, std::uniform_real_distribution<float>());
}

curandStatus_t curandGenerateUniformDouble(curandGenerator_t generator, double* to, size_t size)
{
    return generate(generator, to, size, std::uniform_real_distribution<double>());
}

curandStatus_t curandGenerateNormal(curandGenerator_t generator, float* to, size_t size, float mean, float sd)
{
    return generate_normal(generator, to, size, mean, sd);
}

curandStatus_t curandGenerateNormalDouble(curandGenerator_t generator, double* to, size_t size, double mean, double sd)
{
    return generate_normal(generator, to, size, mean, sd);
}

curandStatus_t curandGeneratePoisson(curandGenerator_t generator, unsigned* to, size_t size, double lambda)
{
    return generate(generator, to, size, std::poisson_distribution<unsigned>(lambda));
}

double curand_uniform_double(curandState* state)
{
    Bits bits{state};
    return 1 - std::uniform_real_distribution<double>()(bits);  // never 0, as in cuRAND
}

double curand_normal_double(curandState* state)
{
    Bits bits{state};
    return std::normal_distribution<double>()(bits);
}

unsigned curand_poisson(curandState* state, const double lambda)
{
    Bits bits{state};
    return std::poisson_distribution<unsigned>(lambda)(bits);
}
