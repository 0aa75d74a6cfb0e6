// What the runtime of CUDA does, with the checks of a strict one, and what is counted and made to fail for tests.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <unistd.h>
#include "cuda_runtime.h"

namespace
{
struct Counts : std::map<std::string, size_t>
{
    ~Counts()
    {
        const char* path = std::getenv("CUDA_ON_CPU_COUNTS");
        FILE* file = path ? std::fopen(path, "w") : nullptr;
        if (!file) return;
        for (const auto& [name, value] : *this) std::fprintf(file, "%s\t%zu\n", name.c_str(), value);
        std::fclose(file);
    }
};
Counts& counts()
{
    static Counts all;
    return all;
}

cudaError last = cudaSuccess;
cudaError noted(const cudaError error)
{
    if (error) last = error;
    return error;
}
}

namespace stand_in
{
void fail(const char* sentence, const char* name)
{
    std::fprintf(stderr, "CUDA on the CPU: %s %s\n", sentence, name);
    std::fflush(nullptr);
    _exit(3);
}

void count(const char* name, const size_t by) { counts()[name] += by; }
void count(const char* prefix, const char* name) { counts()[std::string(prefix) + name]++; }

bool fails(const char* call)
{
    static const char* chosen = std::getenv("CUDA_ON_CPU_FAIL");
    return chosen && !std::strcmp(chosen, call);
}

void refuse_launch() { noted(cudaErrorInvalidConfiguration); }
}

using namespace stand_in;

cudaError cudaMalloc(void** place, const size_t size)
{
    count("bytes of cudaMalloc", size);
    *place = fails("cudaMalloc") ? nullptr : take(size);
    return noted(*place ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError cudaFree(void* place) { return noted(!place || give_back(place) ? cudaSuccess : cudaErrorInvalidValue); }

cudaError cudaMemcpy(void* to, const void* from, const size_t size, const cudaMemcpyKind kind)
{
    if (size == 0) return cudaSuccess;
    const bool into = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool outof = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (holds(to, into ? size : 0) != into || holds(from, outof ? size : 0) != outof) return noted(cudaErrorInvalidValue);
    Opened opened;
    std::memmove(to, from, size);
    return cudaSuccess;
}

cudaError cudaMemset(void* place, const int byte, const size_t size)
{
    if (!holds(place, size)) return noted(cudaErrorInvalidValue);
    Opened opened;
    std::memset(place, byte, size);
    return cudaSuccess;
}

cudaError cudaMemGetInfo(size_t* available, size_t* total)
{
    *available = *total = size_t(1) << 32;
    return cudaSuccess;
}

cudaError cudaGetDeviceProperties(cudaDeviceProp* properties, int)
{
    *properties = {"CUDA on the CPU", 9, 0, 4, 1024, 2048, 32, 49152, size_t(1) << 32};
    return cudaSuccess;
}

cudaError cudaGetLastError()
{
    const cudaError error = last;
    last = cudaSuccess;
    return error;
}

const char* cudaGetErrorString(const cudaError error)
{
    switch (error)
    {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        default: return "invalid configuration argument";
    }
}
