// Device memory: it starts as NaN (every byte is 255), ends at a page that nothing may touch, and is closed to the host
// by a protection key, where the processor and the system have them.
#include <map>
#include <sys/mman.h>
#include <unistd.h>
#include "stand_in/device.h"

namespace
{
struct Taken { size_t size, pages; };
std::map<const char*, Taken>& taken()
{
    static auto* all = new std::map<const char*, Taken>;  // vectors give memory back after main
    return *all;
}

int key()
{
#ifdef PKEY_DISABLE_ACCESS
    static const int made = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    return made;
#else
    return -1;
#endif
}

void close_to_host(const bool closed)
{
#ifdef PKEY_DISABLE_ACCESS
    if (key() >= 0) pkey_set(key(), closed ? PKEY_DISABLE_ACCESS : 0);
#endif
}

int opened = 0;
const size_t PAGE = sysconf(_SC_PAGESIZE);
}

namespace stand_in
{
Opened::Opened()
{
    if (opened++ == 0) close_to_host(false);
}

Opened::~Opened()
{
    if (--opened == 0) close_to_host(true);
}

void* take(const size_t size)
{
    const size_t body = (size/PAGE + 1)*PAGE, pages = body + 2*PAGE;
    char* const first = static_cast<char*>(mmap(nullptr, pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (first == MAP_FAILED) return nullptr;
    char* const inner = first + PAGE;
    mprotect(inner, body, PROT_READ | PROT_WRITE);
    std::memset(inner, 255, body);
#ifdef PKEY_DISABLE_ACCESS
    if (key() >= 0) pkey_mprotect(inner, body, PROT_READ | PROT_WRITE, key());
#endif
    char* const start = inner + body - (size + 7)/8*8;  // what is read behind the end lies on the last page
    taken()[start] = {size, pages};
    return start;
}

bool give_back(void* start)
{
    const auto found = taken().find(static_cast<char*>(start));
    if (found == taken().end()) return false;
    const auto [size, pages] = found->second;
    munmap(static_cast<char*>(start) + (size + 7)/8*8 + PAGE - pages, pages);
    taken().erase(found);
    return true;
}

size_t offset(const void* place)
{
    const char* const at = static_cast<const char*>(place);
    const auto next = taken().upper_bound(at);
    return next == taken().begin() ? 0 : at - std::prev(next)->first;
}

bool holds(const void* place, const size_t size)
{
    const char* const at = static_cast<const char*>(place);
    auto next = taken().upper_bound(at);
    if (next == taken().begin()) return false;
    --next;
    return at + size <= next->first + next->second.size;
}
}
