// Large full rings: Fourier transforms by cuFFT, of all trials together.
#include <map>
#include <utility>
#include <cufft.h>
#ifndef ORGANICS_CUFFT
#define ORGANICS_CUFFT
// One plan for each kind of transform and number of them, for the whole program.
inline cufftHandle organics_plan(const cufftType type, int n, const int trials)
{
    static std::map<std::pair<std::pair<int, int>, int>, cufftHandle> plans;
    const auto key = std::make_pair(std::make_pair((int)type, n), trials);
    const auto found = plans.find(key);
    if (found != plans.end()) return found->second;
    cufftHandle plan;
    organics_check(cufftPlanMany(&plan, 1, &n, nullptr, 1, 0, nullptr, 1, 0, type, trials), "cuFFT", "cufftPlanMany");
    return plans[key] = plan;
}

inline void organics_forth(double* x, double* waves, const int n, const int trials)
{
    organics_check(cufftExecD2Z(organics_plan(CUFFT_D2Z, n, trials), x, (cufftDoubleComplex*)waves), "cuFFT", "cufftExecD2Z");
}
inline void organics_forth(float* x, float* waves, const int n, const int trials)
{
    organics_check(cufftExecR2C(organics_plan(CUFFT_R2C, n, trials), x, (cufftComplex*)waves), "cuFFT", "cufftExecR2C");
}
inline void organics_back(double* waves, double* r, const int n, const int trials)
{
    organics_check(cufftExecZ2D(organics_plan(CUFFT_Z2D, n, trials), (cufftDoubleComplex*)waves, r), "cuFFT", "cufftExecZ2D");
}
inline void organics_back(float* waves, float* r, const int n, const int trials)
{
    organics_check(cufftExecC2R(organics_plan(CUFFT_C2R, n, trials), (cufftComplex*)waves, r), "cuFFT", "cufftExecC2R");
}
#endif
namespace {
template <typename Real>
__global__ void organics_multiply_waves(Real* waves, const Real* spectrum, const int half, const int trials)
{
    for (size_t k = (size_t)blockIdx.x*256 + threadIdx.x; k < (size_t)half*trials; k += (size_t)gridDim.x*256)
    {
        const size_t wave = k % half;
        const Real real = waves[2*k], imaginary = waves[2*k + 1], a = spectrum[2*wave], b = spectrum[2*wave + 1];
        waves[2*k] = a*real - b*imaginary;
        waves[2*k + 1] = a*imaginary + b*real;
    }
}

template <typename Real>
__global__ void organics_put_ring(const Organics_target<Real> r, const Real* ring, const size_t count)
{
    for (size_t k = (size_t)blockIdx.x*256 + threadIdx.x; k < count; k += (size_t)gridDim.x*256) r.put(k, ring[k]);
}

// spectrum: half of it, real and imaginary parts in turn, over n; waves and ring are working memory.
template <typename Real>
void organics_transform(const Real* x, const Organics_target<Real> r, const int m, const int n, const int trials,
                        const Real* spectrum, Real* waves, Real* ring)
{
    const size_t half = n/2 + 1, count = (size_t)n*trials;
    const bool aside = r.add || (size_t)r.start % (2*sizeof(Real));  // cuFFT wants whole complex numbers
    organics_forth(const_cast<Real*>(x), waves, n, trials);
    organics_multiply_waves<<<organics_blocks(half*trials, 256), 256>>>(waves, spectrum, (int)half, trials);
    organics_back(waves, aside ? ring : r.start, n, trials);
    if (aside) organics_put_ring<<<organics_blocks(count, 256), 256>>>(r, ring, count);
}
}
