// Reads a projection and its arrays from stdin, runs it once for each source, and writes what the target is then.
//
//     variant m n trials start steps arrays
//     name bytes given        (for each array; "given" is 0 or 1)
//     ...the bytes of the arrays that are given, then those of the sources, step by step
#include <iostream>
#include <map>
#include <string>
#include <vector>
#include "device.h"

void run(const char* variant, Device& device);

namespace
{
struct Array
{
    std::string name;
    size_t size;
    bool given;
};
std::map<std::string, void*> places;

std::vector<char> read(const size_t size)
{
    std::vector<char> bytes(size);
    if (!std::cin.read(bytes.data(), size)) stand_in::fail("the input is too short");
    return bytes;
}
}

void* Device::find(const char* name)
{
    const auto found = places.find(name);
    if (found == places.end()) stand_in::fail("there is no array", name);
    return found->second;
}

int main()
{
    std::string variant;
    Device device;
    size_t steps, count;
    std::cin >> variant >> device.m >> device.n >> device.trials >> device.start >> steps >> count;
    std::vector<Array> arrays(count);
    for (Array& array : arrays) std::cin >> array.name >> array.size >> array.given;
    std::cin.get();
    for (const Array& array : arrays)
    {
        cudaMalloc(&places[array.name], array.size);
        if (array.given) cudaMemcpy(places[array.name], read(array.size).data(), array.size, cudaMemcpyHostToDevice);
    }
    std::map<std::string, size_t> sizes;
    for (const Array& array : arrays) sizes[array.name] = array.size;
    for (size_t step = 0; step < steps; step++)
    {
        cudaMemcpy(places["given"], read(sizes["given"]).data(), sizes["given"], cudaMemcpyHostToDevice);
        run(variant.c_str(), device);
        std::vector<char> target(sizes["_target_0"]);
        cudaMemcpy(target.data(), places["_target_0"], target.size(), cudaMemcpyDeviceToHost);
        std::cout.write(target.data(), target.size());
    }
}
