// A place in the memory of the device, whose number the host reads and writes by copies.
#pragma once
#include "cuda_runtime.h"

namespace thrust
{
template <typename T> class device_ptr;

template <typename T>
class device_reference
{
    T* place;

public:
    explicit device_reference(T* place) : place(place) {}
    operator T() const
    {
        T value;
        cudaMemcpy(&value, place, sizeof(T), cudaMemcpyDeviceToHost);
        return value;
    }
    device_reference& operator=(const T& value)
    {
        cudaMemcpy(place, &value, sizeof(T), cudaMemcpyHostToDevice);
        return *this;
    }
    device_reference& operator=(const device_reference& other) { return *this = static_cast<T>(other); }
    device_ptr<T> operator&() const { return device_ptr<T>(place); }
};

template <typename T>
class device_ptr
{
    T* place;

public:
    explicit device_ptr(T* place = nullptr) : place(place) {}
    T* get() const { return place; }
    device_reference<T> operator*() const { return device_reference<T>(place); }
    device_ptr operator+(std::ptrdiff_t k) const { return device_ptr(place + k); }
};

template <typename T> T* raw_pointer_cast(device_ptr<T> pointer) { return pointer.get(); }
template <typename T> T* raw_pointer_cast(T* pointer) { return pointer; }
}
