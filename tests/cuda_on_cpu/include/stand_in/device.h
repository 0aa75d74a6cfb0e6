// The device of the stand-in: memory of its own, threads in blocks, and a count of what a program asks of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

struct uint3 { unsigned x, y, z; };
struct dim3
{
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace stand_in
{
// Ends the program: a GPU would end it too, or go on with what it should not.
[[noreturn]] void fail(const char* sentence, const char* name = "");

// Written to the file CUDA_ON_CPU_COUNTS at the end, one line a name.
void count(const char* name, size_t by = 1);
void count(const char* prefix, const char* name);

// Whether the call of this name is one that is to fail, for tests of what programs do then: CUDA_ON_CPU_FAIL=name.
bool fails(const char* call);

// --- memory ----------------------------------------------------------------------------------------------------------
void* take(size_t size);
bool give_back(void* start);
bool holds(const void* place, size_t size = 0);
size_t offset(const void* place);  // from the start of the memory that it lies in, which on a GPU is a multiple of 256

// The host may read and write device memory while one of these lives.
struct Opened
{
    Opened();
    ~Opened();
};

// --- threads ---------------------------------------------------------------------------------------------------------
struct Launch
{
    dim3 grid, block;
    size_t shared;
    const char* kernel;
};
void refuse_launch();  // the error that the runtime tells next
void run(const Launch& launch, void (*thread)(void*), void* arguments);
void barrier(const char* file, int line);

// Every thread of a warp hands over a number; returns that of another lane. All of them must come.
uint64_t exchange(uint64_t bits, unsigned lane);
unsigned lane();
void* shared_memory();

template <typename T>
void check_argument(const char*, const T&) {}

template <typename T>
void check_argument(const char* kernel, T* const& pointer)
{
    // brian2cuda hands pointers of the host to its own kernels, which do not follow them: the counters of monitors
    const bool of_brian = !std::strncmp(kernel, "_run_kernel_", 12);
    if (pointer && !of_brian && !holds(pointer)) fail("a pointer that is not of the device was given to the kernel", kernel);
}

template <typename Kernel, typename... Arguments>
void launch(const Launch& launch, Kernel kernel, Arguments... arguments)
{
    (check_argument(launch.kernel, arguments), ...);
    auto thread = [&] { kernel(arguments...); };
    run(launch, [](void* body) { (*static_cast<decltype(thread)*>(body))(); }, &thread);
}
}
