// The algorithms that brian2cuda calls: on iterators of the host when it sorts synapses, on the device for spikes.
#pragma once
#include <algorithm>
#include <iterator>
#include <numeric>
#include <vector>
#include "device_ptr.h"

namespace thrust
{
template <typename A, typename B> using pair = std::pair<A, B>;

template <typename Keys, typename Values>
void sort_by_key(const Keys first, const Keys last, const Values values)
{
    typedef typename std::iterator_traits<Keys>::value_type Key;
    typedef typename std::iterator_traits<Values>::value_type Value;
    std::vector<std::pair<Key, Value>> both;
    for (std::ptrdiff_t k = 0; k < last - first; k++) both.emplace_back(first[k], values[k]);
    std::stable_sort(both.begin(), both.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t k = 0; k < both.size(); k++) first[k] = both[k].first, values[k] = both[k].second;
}

template <typename Keys, typename Values>
pair<Keys, Values> unique_by_key(const Keys first, const Keys last, const Values values)
{
    std::ptrdiff_t kept = 0;
    for (std::ptrdiff_t k = 0; k < last - first; k++)
        if (!kept || first[k] != first[kept - 1]) first[kept] = first[k], values[kept++] = values[k];
    return {first + kept, values + kept};
}

template <typename Iterator>
void sequence(const Iterator first, const Iterator last) { std::iota(first, last, 0); }

template <typename T, typename Test>
std::ptrdiff_t count_if(const device_ptr<T> first, const device_ptr<T> last, Test test)
{
    stand_in::Opened opened;
    return std::count_if(first.get(), last.get(), test);
}

template <typename T, typename Test>
device_ptr<T> copy_if(const device_ptr<T> first, const device_ptr<T> last, const device_ptr<T> to, Test test)
{
    stand_in::Opened opened;
    return device_ptr<T>(std::copy_if(first.get(), last.get(), to.get(), test));
}
}
