// What the function of a projection finds: sizes, and arrays by name.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include "cuda_runtime.h"

struct Device
{
    int m, n, trials, start;
    void* find(const char* name);
    template <typename T> T* array(const char* name) { return static_cast<T*>(find(name)); }
};

#define CUDA_CHECK_ERROR(where) check_launches(where)
inline void check_launches(const char* where)
{
    if (cudaGetLastError() != cudaSuccess) stand_in::fail("a launch failed in", where);
}
