// Vectors of the host and of the device, which are copied to each other by assignment.
#pragma once
#include <utility>
#include <vector>
#include "device_ptr.h"

namespace thrust
{
template <typename T> struct host_vector;

template <typename T>
class device_vector
{
    T* start = nullptr;
    size_t count = 0, room = 0;

    void reserve(const size_t larger)
    {
        if (larger <= room) return;
        T* old = start;
        cudaMalloc(&start, larger*sizeof(T));
        if (old) cudaMemcpy(start, old, count*sizeof(T), cudaMemcpyDeviceToDevice);
        cudaFree(old);
        room = larger;
    }

public:
    device_vector() {}
    explicit device_vector(const size_t size) { resize(size); }
    device_vector(const device_vector&) = delete;
    device_vector& operator=(const device_vector&) = delete;
    device_vector& operator=(const host_vector<T>& from);
    ~device_vector() { cudaFree(start); }

    size_t size() const { return count; }
    device_ptr<T> begin() const { return device_ptr<T>(start); }
    device_ptr<T> end() const { return device_ptr<T>(start + count); }
    device_reference<T> operator[](const size_t k) const { return device_reference<T>(start + k); }

    void resize(const size_t size, const T& value = T())
    {
        reserve(size);
        stand_in::Opened opened;
        while (count < size) start[count++] = value;
        count = size;
    }
    void push_back(const T& value)
    {
        if (count == room) reserve(2*count + 1);
        resize(count + 1, value);
    }
    void clear() { count = 0; }
    void shrink_to_fit() {}
    void swap(device_vector& other)
    {
        std::swap(start, other.start);
        std::swap(count, other.count);
        std::swap(room, other.room);
    }
};

template <typename T>
struct host_vector : std::vector<T>
{
    using std::vector<T>::vector;
    host_vector() {}
    host_vector(const device_vector<T>& from) { *this = from; }
    host_vector& operator=(const device_vector<T>& from)
    {
        this->resize(from.size());
        if (from.size()) cudaMemcpy(this->data(), from.begin().get(), from.size()*sizeof(T), cudaMemcpyDeviceToHost);
        return *this;
    }
};

template <typename T>
device_vector<T>& device_vector<T>::operator=(const host_vector<T>& from)
{
    resize(from.size());
    if (from.size()) cudaMemcpy(start, from.data(), from.size()*sizeof(T), cudaMemcpyHostToDevice);
    return *this;
}
}
