#include <dlfcn.h>
#pragma weak dlopen  // not there if the program is linked without it, as an old system may do
#pragma weak dlsym
namespace {
template <typename Real>
struct organics_blas
{
    typedef void (*Product)(int, int, int, int, int, int, Real, const Real*, int, const Real*, int, Real, Real*, int);

    static Product find()
    {
        void* library = dlopen && dlsym ? dlopen("PATH", RTLD_NOW | RTLD_LOCAL) : 0;
        if (!library) return 0;
        void (*threads)(int) = (void (*)(int))dlsym(library, "PREFIXopenblas_set_num_threads");
        if (!threads) return 0;
        threads(1);
        return (Product)dlsym(library, sizeof(Real) == 8 ? "PREFIXcblas_dgemm" : "PREFIXcblas_sgemm");
    }

    // r = x times the transposed matrix, if there is a library; all by rows
    static bool multiply(const Real* x, Real* r, const int m, const int n, const int trials, const Real* matrix)
    {
        static const Product product = find();
        if (!product) return false;
        product(101, 111, 112, trials, m, n, 1, x, n, matrix, n, 0, r, m);
        return true;
    }
};
}
