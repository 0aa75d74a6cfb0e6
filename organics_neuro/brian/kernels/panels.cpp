// Where a program keeps its copies of dense weights: panel after panel of target units, source unit by source unit, so
// that a product reads them as streams of whole, aligned vectors and never adds across a vector. Small copies share a
// page of 2 MB, where they cannot push each other out of a cache; with pages of 4 kB, a stream stops at every one.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>
#ifdef __linux__
#include <sys/mman.h>
#endif

// Memory that lasts as long as the program, from a multiple of 64 bytes on.
inline char* organics_memory(const size_t bytes)
{
    const size_t page = 1 << 21;
    static char *next = 0, *end = 0;
    if (!next || (size_t)(end - next) < bytes)
    {
        const size_t size = (bytes + page - 1)/page*page;
        char* start = (char*)malloc(size + page);
        if (!start) return 0;
        next = (char*)(((uintptr_t)start + page - 1)/page*page);
        end = next + size;
#ifdef MADV_HUGEPAGE
        madvise(next, size, MADV_HUGEPAGE);
#endif
    }
    char* found = next;
    next += (bytes + 63)/64*64;
    if (next > end) next = end;
    return found;
}

template <typename Real>
struct organics_panels
{
    const Real* matrix;
    Real* packed;
    size_t size;
    bool back;  // whether the product reads them backwards this time
};

// The copy of a matrix; one for all parts of a program that use it.
template <typename Real>
inline organics_panels<Real>& organics_panels_of(const Real* matrix)
{
    static std::vector<organics_panels<Real>> all;
    for (organics_panels<Real>& each : all)
        if (each.matrix == matrix) return each;
    all.push_back(organics_panels<Real>{matrix, 0, 0, false});
    return all.back();
}

template <typename Real>
void organics_pack(const Real* matrix, const int m, const int n, const size_t width)
{
    organics_panels<Real>& panels = organics_panels_of(matrix);
    const size_t size = (m + width - 1)/width*width*n;
    if (size > panels.size)
    {
        panels.packed = (Real*)organics_memory(sizeof(Real)*size);
        panels.size = panels.packed ? size : 0;
    }
    if (!panels.packed)
    {
        std::cerr << "no memory for a copy of weights, " << sizeof(Real)*size << " bytes" << std::endl;
        exit(1);
    }
    panels.back = false;
    for (size_t i = 0; i < size; i++) panels.packed[i] = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) panels.packed[i/width*width*n + j*width + i%width] = matrix[(size_t)i*n + j];
}
