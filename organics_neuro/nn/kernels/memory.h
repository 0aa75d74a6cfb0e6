// Memory for what the forward pass leaves to the backward pass.

#ifndef ORGANICS_GATED_MEMORY_H
#define ORGANICS_GATED_MEMORY_H

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdint>
#include <mutex>
#include <vector>

namespace {

using at::Tensor;
using std::int64_t;

// Memory that is written for the first time. Large pages, where the system leaves the choice, make that much faster.
Tensor make_empty(at::IntArrayRef shape, const Tensor& like)
{
    const Tensor made = at::empty(shape, like.options());
#ifdef MADV_HUGEPAGE
    const uintptr_t page = 1 << 21, start = reinterpret_cast<uintptr_t>(made.data_ptr());
    const uintptr_t first = (start + page - 1) / page * page, end = (start + made.nbytes()) / page * page;
    if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
    return made;
}

// Traces that were given back, for the next training step: to get their pages anew costs a tenth of its time. Only
// traces of the last size are held, and never more of them than were in use together.
class Traces
{
public:
    static Tensor take(int64_t size, const Tensor& like)
    {
        Tensor memory = held().pop(size, like);
        if (!memory.defined()) memory = make_empty({size}, like);
        return at::from_blob(memory.data_ptr(), {size}, [memory](void*) { held().push(memory); }, like.options());
    }

private:
    std::mutex mutex;
    std::vector<Tensor> idle;

    static Traces& held()
    {
        static Traces* const all = new Traces;  // never destroyed: a tensor may outlive it
        return *all;
    }
    Tensor pop(int64_t size, const Tensor& like)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!idle.empty() && !fits(idle.back(), size, like)) idle.clear();
        if (idle.empty()) return {};
        const Tensor last = idle.back();
        idle.pop_back();
        return last;
    }
    void push(const Tensor& memory)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!idle.empty() && !fits(idle.back(), memory.numel(), memory)) idle.clear();
        idle.push_back(memory);
    }
    static bool fits(const Tensor& memory, int64_t size, const Tensor& like)
    {
        return memory.numel() == size && memory.scalar_type() == like.scalar_type();
    }
};

}  // namespace
#endif
