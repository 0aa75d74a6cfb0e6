// Transforms of cuFFT, by their definition.
#include <cmath>
#include <vector>
#include "cufft.h"

using stand_in::count;

namespace
{
struct Plan
{
    int n, batch;
    cufftType type;
    std::vector<double> cosine, sine;  // of 2 pi k/n
};
std::vector<Plan>& plans()
{
    static std::vector<Plan> all;
    return all;
}

// Memory begins at multiples of 8 here, and of 256 on a GPU: either may be counted from.
bool is_whole(const void* place, const size_t size)
{
    return stand_in::offset(place) % size == 0 || size_t(place) % size == 0;
}

// What a call needs: a plan of its type, memory of the device, and whole complex numbers.
cufftResult check(const char* call, const cufftHandle number, const cufftType type, const void* real, const void* waves,
                  const size_t size)
{
    count(call);
    if (stand_in::fails(call)) return CUFFT_EXEC_FAILED;
    if (number < 0 || size_t(number) >= plans().size()) return CUFFT_INVALID_PLAN;
    const Plan& plan = plans()[number];
    if (plan.type != type) return CUFFT_INVALID_TYPE;
    if (!is_whole(real, 2*size) || !is_whole(waves, 2*size)) return CUFFT_INVALID_VALUE;
    if (!stand_in::holds(real, size*plan.n*plan.batch) || !stand_in::holds(waves, 2*size*(plan.n/2 + 1)*plan.batch))
        stand_in::fail("memory that is not of the device, or too small, was given to", call);
    return CUFFT_SUCCESS;
}

// One transform after the other: transform(plan, real numbers, waves).
template <typename Real, typename Complex, typename Transform>
cufftResult each(const char* call, const cufftHandle number, const cufftType type, Real* x, Complex* waves,
                 const Transform transform)
{
    const cufftResult result = check(call, number, type, x, waves, sizeof(Real));
    if (result) return result;
    const Plan& plan = plans()[number];
    stand_in::Opened opened;
    for (int b = 0; b < plan.batch; b++, x += plan.n, waves += plan.n/2 + 1) transform(plan, x, waves);
    return CUFFT_SUCCESS;
}

template <typename Real, typename Complex>
cufftResult forth(const char* call, const cufftHandle number, const cufftType type, const Real* x, Complex* waves)
{
    return each(call, number, type, x, waves, [](const Plan& plan, const Real* x, Complex* waves) {
        const int n = plan.n;
        for (int w = 0; w < n/2 + 1; w++)
        {
            double real = 0, imaginary = 0;
            for (int k = 0, turn = 0; k < n; k++, turn = turn + w < n ? turn + w : turn + w - n)
                real += x[k]*plan.cosine[turn], imaginary -= x[k]*plan.sine[turn];
            waves[w] = {Real(real), Real(imaginary)};
        }
    });
}

template <typename Real, typename Complex>
cufftResult back(const char* call, const cufftHandle number, const cufftType type, Complex* waves, Real* x)
{
    return each(call, number, type, x, waves, [](const Plan& plan, Real* x, Complex* waves) {
        const int n = plan.n, half = n/2 + 1;
        for (int k = 0; k < n; k++)
        {
            double sum = waves[0].x;
            for (int w = 1, turn = k; w < half; w++, turn = turn + k < n ? turn + k : turn + k - n)
                sum += (2*w == n ? 1 : 2)*waves[w].x*plan.cosine[turn] - (2*w == n ? 0 : 2)*waves[w].y*plan.sine[turn];
            x[k] = sum;
        }
        for (int w = 0; w < half; w++) waves[w] = {NAN, NAN};  // it may be overwritten
    });
}
}

cufftResult cufftPlanMany(cufftHandle* plan, int rank, int* n, int* inembed, int, int, int* onembed, int, int, cufftType type,
                          int batch)
{
    count("cufftPlanMany");
    if (stand_in::fails("cufftPlanMany")) return CUFFT_INVALID_PLAN;
    if (rank != 1 || inembed || onembed) return CUFFT_INVALID_VALUE;
    if (n[0] < 1 || batch < 1) return CUFFT_INVALID_SIZE;
    Plan made{n[0], batch, type, {}, {}};
    for (int k = 0; k < n[0]; k++)
        made.cosine.push_back(std::cos(2*M_PI*k/n[0])), made.sine.push_back(std::sin(2*M_PI*k/n[0]));
    plans().push_back(made);
    *plan = int(plans().size()) - 1;
    return CUFFT_SUCCESS;
}

cufftResult cufftExecR2C(cufftHandle plan, cufftReal* from, cufftComplex* to)
{
    return forth("cufftExecR2C", plan, CUFFT_R2C, from, to);
}
cufftResult cufftExecC2R(cufftHandle plan, cufftComplex* from, cufftReal* to)
{
    return back("cufftExecC2R", plan, CUFFT_C2R, from, to);
}
cufftResult cufftExecD2Z(cufftHandle plan, cufftDoubleReal* from, cufftDoubleComplex* to)
{
    return forth("cufftExecD2Z", plan, CUFFT_D2Z, from, to);
}
cufftResult cufftExecZ2D(cufftHandle plan, cufftDoubleComplex* from, cufftDoubleReal* to)
{
    return back("cufftExecZ2D", plan, CUFFT_Z2D, from, to);
}
