// Blocks run one after the other, and the threads of a block take turns: each runs until its end, to a barrier, where it waits
// until all have come, or to a shuffle, where it waits for its warp. A thread that does not wait needs no stack of its own.
//
// CUDA_ON_CPU_ORDER=reverse, or a number, runs blocks and threads in another order: what depends on it is a race.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <setjmp.h>
#include <ucontext.h>
#include <vector>
#include "stand_in/device.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace
{
const size_t STACK = 1 << 17;

// Runs one thread of the block after the other, until one waits.
struct Runner
{
    ucontext_t start;
    jmp_buf place;  // once it has begun: a jump asks nothing of the system, which a change of context does
    bool begun = false;
    std::unique_ptr<char[]> stack{new char[STACK]};  // not filled: most threads use little of it
    uint3 thread;
    const char* file = nullptr;  // of the barrier at which its thread waits
    int line = 0;
    bool for_warp = false;  // it waits for the threads of its warp alone, to which it hands these bits
    uint64_t bits = 0;
};

jmp_buf home;
Runner* running = nullptr;
std::vector<Runner*> idle;
std::vector<unsigned> order;  // of the threads of a block
size_t begun = 0;             // how many of them have been started
std::vector<uint64_t> handed;  // by the threads of a warp to each other, by number of the thread
void (*body)(void*) = nullptr;
void* arguments_of_body = nullptr;
std::vector<char> dynamic;

uint3 place(const size_t k, const dim3& size)
{
    return {unsigned(k % size.x), unsigned(k/size.x % size.y), unsigned(k/size.x/size.y)};
}

size_t number(const uint3& thread) { return thread.x + blockDim.x*(thread.y + size_t(blockDim.y)*thread.z); }

void leave(Runner* const self)
{
    if (!_setjmp(self->place)) _longjmp(home, 1);
}

void enter(Runner* const runner)
{
    running = runner;
    if (!_setjmp(home))
    {
        if (runner->begun) _longjmp(runner->place, 1);
        runner->begun = true;
        setcontext(&runner->start);
    }
    running = nullptr;
}

void run_threads()
{
    while (true)
    {
        Runner* const self = running;
        while (begun < order.size())
        {
            self->thread = threadIdx = place(order[begun++], blockDim);
            body(arguments_of_body);
        }
        self->file = nullptr;
        self->for_warp = false;
        leave(self);
    }
}

Runner* get_runner()
{
    if (idle.empty())
    {
        Runner* const made = new Runner;
        getcontext(&made->start);
        made->start.uc_stack.ss_sp = made->stack.get();
        made->start.uc_stack.ss_size = STACK;
        made->start.uc_link = nullptr;
        makecontext(&made->start, run_threads, 0);
        return made;
    }
    Runner* const one = idle.back();
    idle.pop_back();
    return one;
}

// Goes on with a runner, and puts it where it belongs then: idle, or among those that wait.
void go_on(Runner* const runner, std::vector<Runner*>& waiting)
{
    enter(runner);
    (runner->file ? waiting : idle).push_back(runner);
}

// Goes on with the threads of a warp while they wait for each other.
void run_warp(std::vector<Runner*>& warp, const size_t size, const char* kernel)
{
    static std::vector<Runner*> next;
    while (true)
    {
        size_t come = 0;
        for (Runner* const runner : warp) come += runner->for_warp;
        if (!come) return;
        if (come < size) stand_in::fail("threads of one warp do not come to a shuffle together in the kernel", kernel);
        for (Runner* const runner : warp) handed[number(runner->thread)] = runner->bits;
        next.clear();
        for (Runner* const runner : warp) go_on(runner, next);
        warp.swap(next);
    }
}

struct Order
{
    bool reverse = false, random = false;
    std::mt19937 generator;
    Order()
    {
        const char* const chosen = std::getenv("CUDA_ON_CPU_ORDER");
        reverse = chosen && *chosen == 'r';
        random = chosen && !reverse;
        if (random) generator.seed(std::atoi(chosen));
    }
    template <typename T>
    void apply(std::vector<T>& items)
    {
        if (reverse) std::reverse(items.begin(), items.end());
        if (random) std::shuffle(items.begin(), items.end(), generator);
    }
};
Order& chosen_order()
{
    static Order one;
    return one;
}

// Warps run one after the other, each as far as it gets without the others.
void run_block(const char* kernel)
{
    static std::vector<Runner*> next;
    std::vector<std::vector<Runner*>> warps((order.size() + 31)/32);
    std::vector<size_t> turns(warps.size());
    std::iota(turns.begin(), turns.end(), size_t(0));
    chosen_order().apply(turns);
    next.clear();
    for (begun = 0; begun < order.size();) go_on(get_runner(), next);
    for (Runner* const runner : next) warps[number(runner->thread)/32].push_back(runner);
    for (const size_t w : turns) run_warp(warps[w], std::min<size_t>(32, order.size() - 32*w), kernel);
    while (true)
    {
        const Runner* first = nullptr;
        for (const auto& warp : warps)
            for (const Runner* const runner : warp)
            {
                if (!first) first = runner;
                if (runner->line != first->line || std::strcmp(runner->file, first->file))
                    stand_in::fail("threads of one block wait at different barriers in the kernel", kernel);
            }
        if (!first) return;
        if (chosen_order().random) chosen_order().apply(turns);
        for (const size_t w : turns)
        {
            if (chosen_order().random) chosen_order().apply(warps[w]);
            next.clear();
            for (Runner* const runner : warps[w]) go_on(runner, next);
            warps[w].swap(next);
            run_warp(warps[w], std::min<size_t>(32, order.size() - 32*w), kernel);
        }
    }
}
}

namespace stand_in
{
void barrier(const char* file, const int line)
{
    Runner* const self = running;
    if (!self) fail("a barrier outside a kernel");
    self->file = file, self->line = line;
    leave(self);
    threadIdx = self->thread;
}

unsigned lane() { return number(threadIdx) % 32; }

uint64_t exchange(const uint64_t bits, const unsigned lane)
{
    Runner* const self = running;
    if (!self) fail("a shuffle outside a kernel");
    self->for_warp = true, self->bits = bits;
    self->file = __FILE__, self->line = __LINE__;
    leave(self);
    self->for_warp = false;
    threadIdx = self->thread;
    return handed[number(self->thread)/32*32 + lane];
}

void* shared_memory() { return dynamic.data(); }

void run(const Launch& launch, void (*thread)(void*), void* arguments)
{
    count("launch ", launch.kernel);
    const auto [grid, block, shared, kernel] = launch;
    const size_t threads = size_t(block.x)*block.y*block.z, blocks = size_t(grid.x)*grid.y*grid.z;
    if (!threads || threads > 1024 || !blocks || grid.x >= 1u << 31 || grid.y > 65535 || grid.z > 65535 || shared > 49152)
    {
        refuse_launch();
        return;
    }
    body = thread, arguments_of_body = arguments;
    blockDim = block, gridDim = grid;
    dynamic.assign(shared, char(255));
    std::vector<size_t> sequence(blocks);
    std::iota(sequence.begin(), sequence.end(), size_t(0));
    chosen_order().apply(sequence);
    order.resize(threads);
    handed.resize((threads + 31)/32*32);
    std::iota(order.begin(), order.end(), 0u);
    if (chosen_order().reverse) chosen_order().apply(order);
    Opened opened;
    for (const size_t k : sequence)
    {
        if (chosen_order().random) chosen_order().apply(order);
        blockIdx = place(k, grid);
        run_block(kernel);
    }
}
}
