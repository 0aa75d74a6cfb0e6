// The limits of a GPU: the rate at which it reads memory, and that of products of matrices by cuBLAS.
//
//     roofline MEGABYTES M N K        prints lines of: what, type, size, seconds of one call
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cublas_v2.h>

__global__ void read_all(const double* from, double* to, const size_t count)
{
    double sum = 0;
    for (size_t k = (size_t)blockIdx.x*blockDim.x + threadIdx.x; k < count; k += (size_t)gridDim.x*blockDim.x) sum += from[k];
    if (sum != 0) to[0] = sum;  // the memory holds zeros: nothing is written
}

__global__ void nothing() {}

// Seconds of one call, the last of several rounds.
template <typename Call>
double seconds(const int repeats, Call call)
{
    double last = 0;
    for (int round = 0; round < 3; round++)
    {
        cudaDeviceSynchronize();
        const auto start = std::chrono::steady_clock::now();
        for (int k = 0; k < repeats; k++) call();
        cudaDeviceSynchronize();
        last = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()/repeats;
    }
    return last;
}

void* zeros(const size_t size)
{
    void* place = nullptr;
    if (cudaMalloc(&place, size) != cudaSuccess || cudaMemset(place, 0, size) != cudaSuccess)
    {
        std::fprintf(stderr, "ERROR: no %zu bytes of device memory\n", size);
        std::exit(EXIT_FAILURE);
    }
    return place;
}

void check(const cublasStatus_t status)
{
    if (status == CUBLAS_STATUS_SUCCESS) return;
    std::fprintf(stderr, "ERROR: cuBLAS failed with status %d\n", (int)status);
    std::exit(EXIT_FAILURE);
}

int main(int, char** arguments)
{
    const size_t bytes = std::atof(arguments[1])*1e6;
    const int m = std::atoi(arguments[2]), n = std::atoi(arguments[3]), k = std::atoi(arguments[4]);
    const int repeats = bytes > 1e7 ? 20 : 2;
    cudaDeviceProp about;
    cudaGetDeviceProperties(&about, 0);
    const int blocks = 8*about.multiProcessorCount;
    double* const memory = (double*)zeros(bytes);
    double* const result = (double*)zeros(8);
    std::printf("launch,,%d,%.9g\n", 1, seconds(50*repeats, [&] { nothing<<<1, 32>>>(); }));
    for (size_t size = bytes/512; size <= bytes; size *= 8)
        std::printf("read,,%zu,%.9g\n", size, seconds(repeats, [&] { read_all<<<blocks, 256>>>(memory, result, size/8); }));

    cublasHandle_t handle;
    check(cublasCreate(&handle));
    void *a = zeros((size_t)8*m*k), *b = zeros((size_t)8*k*n), *c = zeros((size_t)8*m*n);
    const double one = 1, none = 0;
    const float single_one = 1, single_none = 0;
    const auto N = CUBLAS_OP_N;
    std::printf("gemm,float64,%zu,%.9g\n", (size_t)2*m*n*k, seconds(repeats, [&] {
        check(cublasDgemm(handle, N, N, m, n, k, &one, (double*)a, m, (double*)b, k, &none, (double*)c, m)); }));
    std::printf("gemm,float32,%zu,%.9g\n", (size_t)2*m*n*k, seconds(repeats, [&] {
        check(cublasSgemm(handle, N, N, m, n, k, &single_one, (float*)a, m, (float*)b, k, &single_none, (float*)c, m)); }));
}
