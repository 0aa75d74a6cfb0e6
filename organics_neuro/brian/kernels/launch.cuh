// What every kernel is called with. Several kernels share a launch: each has blocks of 256 threads of its own.
#include <cstdio>
#include <cstdlib>
#ifndef ORGANICS_LAUNCH
#define ORGANICS_LAUNCH
// A program does not go on with what a library could not do; the status of success is 0.
inline void organics_check(const int status, const char* library, const char* call)
{
    if (status == 0) return;
    std::fprintf(stderr, "ERROR: %s of %s failed with status %d\n", call, library, status);
    std::exit(EXIT_FAILURE);
}

struct Organics_place { int block, blocks; };

// Blocks of 256 threads for so many results, `each` of them to a block; blocks go on with the next ones when there are more.
__host__ __device__ inline int organics_blocks(const size_t count, const int each)
{
    return count < (size_t)each*65535 ? (count + each - 1)/each : 65535;
}

// Where results go: the first term of a sum replaces what was there, the others are added.
template <typename Real>
struct Organics_target
{
    Real* start;
    bool add;
    template <typename Value>
    __device__ void put(const size_t k, const Value value) const { start[k] = add ? start[k] + value : value; }
};

// A source expression that is evaluated where it is read, in the place of an array.
template <typename Real, typename Expression>
struct Organics_source
{
    Expression expression;
    __device__ Real operator[](const size_t k) const { return expression(k); }
};
template <typename Real, typename Expression>
__device__ inline Organics_source<Real, Expression> organics_source(const Expression expression) { return {expression}; }

// Sums over lanes of a warp (a power of two), and over the 256 threads of a block, which all of them know afterwards.
template <typename Real>
__device__ inline Real organics_warp_sum(Real part, const int lanes = 32)
{
    for (int half = lanes/2; half > 0; half /= 2) part += __shfl_xor_sync(0xffffffffu, part, half);
    return part;
}

template <typename Real>
__device__ inline Real organics_block_sum(const Real part, Real* sums)  // shared memory for 8 numbers
{
    const Real own = organics_warp_sum(part);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x/32] = own;
    __syncthreads();
    Real total = 0;
    for (int warp = 0; warp < 8; warp++) total += sums[warp];
    __syncthreads();  // the next sum may begin
    return total;
}
#endif
