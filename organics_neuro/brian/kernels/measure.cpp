// Times of each way to read weights, for each size: bytes, streams, ahead, and the fastest pass in microseconds. The ways
// take turns, so that what else the machine does for a while slows all of them.
#include <chrono>
#include <cstdio>
#include <cstdlib>
namespace {
const double SECONDS = 0.004;
const int ROUNDS = 5;
typedef std::chrono::steady_clock organics_clock;

inline double organics_since(const organics_clock::time_point start)
{
    return std::chrono::duration<double>(organics_clock::now() - start).count();
}

// Two matrices in turn, forwards and backwards, as a step of a circuit reads them.
template <int streams, bool ahead>
void organics_measure(const int n, double* const weights[2], const double* x, double* r)
{
    double best = 1e9;
    bool back = false;
    const int repeats = 1 + (int)(1e6/((double)n*n));
    const organics_clock::time_point start = organics_clock::now();
    for (int k = 0; k < 2 || organics_since(start) < SECONDS; k++)
    {
        const organics_clock::time_point begin = organics_clock::now();
        for (int i = 0; i < repeats; i++, back = !back)
            for (int s = 0; s < 2; s++)
                organics_streams<double, streams, ahead>(x, r, n, n, weights[back ? 1 - s : s], back);
        const double time = organics_since(begin)/repeats;
        if (time < best) best = time;
    }
    printf("%zu %d %d %.6g\n", sizeof(double)*n*n, streams, (int)ahead, 1e6*best);
}
}

int main()
{
    const int sizes[] = {SIZES};
    for (const int n : sizes)
    {
        std::vector<double> x(n, 1.0), r(n);
        double* weights[2];
        for (int s = 0; s < 2; s++)
        {
            weights[s] = (double*)organics_memory(sizeof(double)*n*n);
            if (!weights[s]) return 1;
            for (int k = 0; k < n*n; k++) weights[s][k] = 1.0/n;
        }
        for (int round = 0; round < ROUNDS; round++)
        {
#define ORGANICS_MEASURE(streams) \
            organics_measure<streams, false>(n, weights, x.data(), r.data()); \
            organics_measure<streams, true>(n, weights, x.data(), r.data());
            ALL_STREAMS
        }
    }
}
