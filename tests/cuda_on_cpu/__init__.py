"""CUDA on the CPU: a stand-in for the CUDA toolkit that needs g++ alone, so that what goes to a GPU is run by tests.

``bin`` holds an ``nvcc`` and an ``nvidia-smi``, ``include`` the headers of the runtime, cuBLAS, cuRAND and Thrust as far
as brian2cuda and the kernels of this package use them, ``runtime`` what stands behind the headers, and ``compiler.py``
what ``nvcc`` does. With ``bin`` first on the PATH, programs of the device "cuda" are compiled and run unmodified
(docs/cuda.md).
"""
