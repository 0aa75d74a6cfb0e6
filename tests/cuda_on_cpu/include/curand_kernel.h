// Random numbers of the device interface of cuRAND: a state for each thread.
#pragma once
#include "curand.h"

struct curandState { uint64_t word; };

inline void curand_init(unsigned long long seed, unsigned long long sequence, unsigned long long offset, curandState* state)
{
    state->word = seed*0x9e3779b97f4a7c15u + (sequence << 20) + offset;
}
double curand_uniform_double(curandState* state);
double curand_normal_double(curandState* state);
unsigned curand_poisson(curandState* state, double lambda);
inline float curand_uniform(curandState* state) { return curand_uniform_double(state); }
inline float curand_normal(curandState* state) { return curand_normal_double(state); }
