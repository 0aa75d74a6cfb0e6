// Programs with one fault each, and a few without, by name: what the stand-in says of them is tested.
#include <cstdio>
#include <string>
#include <cublas_v2.h>

__global__ void write_last(int* place) { *place = threadIdx.x + 100*blockIdx.x; }

__global__ void read_behind(double* from, const int count) { from[0] = from[count]; }

__global__ void wait_apart(double* place)
{
    if (threadIdx.x % 2)
        __syncthreads();
    else
    {
        place[0] = 1;
        __syncthreads();
    }
}

__global__ void shuffle_apart(int* numbers)
{
    if (threadIdx.x % 2) numbers[threadIdx.x] = __shfl_xor_sync(0xffffffffu, numbers[threadIdx.x], 1);
}

__global__ void swap_neighbours(int* numbers)
{
    numbers[threadIdx.x] = __shfl_xor_sync(0xffffffffu, numbers[threadIdx.x], 1);
}

// With a barrier between writing and reading, in memory whose size the launch says.
__global__ void reverse(int* numbers)
{
    extern __shared__ int turned[];
    turned[threadIdx.x] = numbers[threadIdx.x];
    __syncthreads();
    numbers[threadIdx.x] = turned[blockDim.x - 1 - threadIdx.x];
}

int main(int, char** arguments)
{
    const std::string name = arguments[1];
    const int count = 7;
    double *device, host[count] = {};
    cudaMalloc(&device, sizeof host);
    int result = 0, *integer;
    cudaMalloc(&integer, 4*sizeof(int));
    if (name == "the host reads") result = device[0] != 0;
    if (name == "a pointer of the host") write_last<<<1, 1>>>(&result);
    if (name == "behind the end") read_behind<<<1, 1>>>(device, count);
    if (name == "two barriers") wait_apart<<<1, 4>>>(device);
    if (name == "shuffle apart") shuffle_apart<<<1, 4>>>(integer);
    if (name == "too many threads")
    {
        write_last<<<1, 1025>>>(integer /* not touched */);
        result = cudaGetLastError();
    }
    if (name == "the wrong way") result = cudaMemcpy(device, host, sizeof host, cudaMemcpyDeviceToHost);
    if (name == "too much") result = cudaMemcpy(device, host, sizeof host + 1, cudaMemcpyHostToDevice);
    if (name == "too few columns")
    {
        cublasHandle_t handle;
        cublasCreate(&handle);
        const double one = 1;
        result = cublasDgemv(handle, CUBLAS_OP_N, 2, 2, &one, device, 1, device, 1, &one, device, 1);
    }
    if (name == "begins as NaN")
    {
        cudaMemcpy(host, device, sizeof host, cudaMemcpyDeviceToHost);
        for (const double x : host) result += x != x;
    }
    if (name == "last")
    {
        write_last<<<3, 50>>>(integer);
        cudaMemcpy(&result, integer, sizeof result, cudaMemcpyDeviceToHost);
    }
    if (name == "reverse" || name == "swap")
    {
        int numbers[4] = {1, 2, 3, 4};
        cudaMemcpy(integer, numbers, sizeof numbers, cudaMemcpyHostToDevice);
        if (name == "swap")
            swap_neighbours<<<1, 4>>>(integer);
        else
            reverse<<<1, 4, sizeof numbers>>>(integer);
        cudaMemcpy(numbers, integer, sizeof numbers, cudaMemcpyDeviceToHost);
        for (const int number : numbers) result = 10*result + number;
    }
    std::printf("%d", result);
}
