// What a compiler for CUDA knows without an include: its words, the runtime, and functions of the device.
#pragma once
#include "stand_in/device.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // one block runs at a time
#define __CUDA_ARCH__ 900
#define __syncthreads() ::stand_in::barrier(__FILE__, __LINE__)
inline void __threadfence() {}

// Threads of a warp hand numbers to each other; all of its threads must take part.
template <typename T>
T __shfl_xor_sync(unsigned mask, const T value, const int lanes)
{
    static_assert(sizeof(T) <= 8);
    if (mask != 0xffffffffu) stand_in::fail("a shuffle that leaves out threads");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = stand_in::exchange(bits, stand_in::lane() ^ lanes);
    T other;
    std::memcpy(&other, &bits, sizeof(T));
    return other;
}
const int warpSize = 32;

enum cudaError
{
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9
};
typedef cudaError cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaLimit { cudaLimitMallocHeapSize };
typedef struct stand_in_stream* cudaStream_t;
struct cudaDeviceProp
{
    char name[256];
    int major, minor, multiProcessorCount, maxThreadsPerBlock, maxThreadsPerMultiProcessor, warpSize;
    size_t sharedMemPerBlock, totalGlobalMem;
};
struct cudaFuncAttributes
{
    int maxThreadsPerBlock, numRegs;
    size_t sharedSizeBytes, localSizeBytes, constSizeBytes;
};

cudaError cudaMalloc(void** place, size_t size);
cudaError cudaFree(void* place);
cudaError cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind);
cudaError cudaMemset(void* place, int byte, size_t size);
cudaError cudaMemGetInfo(size_t* available, size_t* total);
cudaError cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError cudaGetLastError();
const char* cudaGetErrorString(cudaError error);

inline cudaError cudaSetDevice(int) { return cudaSuccess; }
inline cudaError cudaDeviceSetLimit(cudaLimit, size_t) { return cudaSuccess; }
inline cudaError cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError cudaProfilerStop() { return cudaSuccess; }

template <typename T>
cudaError cudaMalloc(T** place, size_t size) { return cudaMalloc(reinterpret_cast<void**>(place), size); }

template <typename T>
cudaError cudaMemcpyToSymbol(T& symbol, const void* from, size_t size)
{
    std::memcpy(&symbol, from, size);
    return cudaSuccess;
}

template <typename Kernel>
cudaError cudaOccupancyMaxPotentialBlockSize(int* blocks, int* threads, Kernel, size_t = 0, int = 0)
{
    *blocks = 4, *threads = 1024;
    return cudaSuccess;
}

template <typename Kernel>
cudaError cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel, int threads, size_t)
{
    *blocks = threads > 0 ? 2048/threads : 0;
    return cudaSuccess;
}

template <typename Kernel>
cudaError cudaFuncGetAttributes(cudaFuncAttributes* attributes, Kernel)
{
    *attributes = {1024, 0, 0, 0, 0};
    return cudaSuccess;
}

// --- functions of the device: threads take turns, so that plain reads and writes are atomic ---------------------------
template <typename T, typename U>
T atomicAdd(T* place, U value)
{
    const T old = *place;
    *place = old + value;
    return old;
}

template <typename T, typename U, typename V>
T atomicCAS(T* place, U expected, V value)
{
    const T old = *place;
    if (old == static_cast<T>(expected)) *place = value;
    return old;
}

template <typename To, typename From>
To stand_in_bits(const From from)
{
    To to;
    static_assert(sizeof to == sizeof from);
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline long long __double_as_longlong(double x) { return stand_in_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return stand_in_bits<double>(x); }
inline int __float_as_int(float x) { return stand_in_bits<int>(x); }
inline float __int_as_float(int x) { return stand_in_bits<float>(x); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
