"""What the device "cuda" needs, looked for before anything is built."""

import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import brian2 as b2

_BRIAN2 = "2.10.1"
#: For `nvcc` where there is no GPU to ask.
_COMPUTE_CAPABILITY = 9.0


def prepare(build_on_run):
    """Check the installation, and set the makefile and the preferences of brian2cuda.

    Raises
    ------
    RuntimeError
        For a Python, Brian2, brian2cuda, toolkit, library or GPU that is missing or does not fit.
    """
    _check_packages()
    include, link = find_toolkit()
    if build_on_run:
        require_gpu()
    import brian2cuda  # noqa: F401  registers its device and its preferences

    from organics_neuro.brian.kernels.cuda import prepare_makefile

    prepare_makefile(link)
    backend = b2.prefs.devices.cuda_standalone.cuda_backend
    backend.extra_compile_args_nvcc = ["-w", "-std=c++17", *include]  # without -use_fast_math, which is inexact
    host = b2.prefs.codegen.cpp.extra_compile_args_gcc
    b2.prefs.codegen.cpp.extra_compile_args_gcc = [flag.replace("-std=c++11", "-std=c++17") for flag in host]
    if not _has_gpu():
        backend.detect_gpus = False
        backend.gpu_id = 0
        backend.compute_capability = _COMPUTE_CAPABILITY


def require_gpu():
    """Raise `RuntimeError` if there is no GPU to run a program on."""
    if not _has_gpu():
        raise RuntimeError(
            "the device 'cuda' found no NVIDIA GPU (nvidia-smi lists none); to compile without running, use "
            "use_device('cuda', build_on_run=False) and, after run(), organics_neuro.brian.build(run=False)"
        )


def _check_packages():
    if sys.version_info[:2] != (3, 12):
        raise RuntimeError(
            f"the device 'cuda' needs Python 3.12, for which brian2cuda 1.0b1 is made, but this is Python {sys.version_info[0]}.{sys.version_info[1]}; "
            "make an environment with Python 3.12"
        )
    if find_spec("brian2cuda") is None:
        raise RuntimeError("the device 'cuda' needs brian2cuda; install it with: pip install 'organics_neuro[cuda]'")
    if version("brian2") != _BRIAN2:
        raise RuntimeError(
            f"the device 'cuda' needs Brian2 {_BRIAN2}, which brian2cuda asks for, but this is Brian2 {version('brian2')}; install it with: pip install brian2=={_BRIAN2}"
        )


def find_toolkit() -> tuple[list[str], list[str]]:
    """Flags for the compiler and for the linker that bring cuRAND and cuBLAS; raises `RuntimeError` if something is missing."""
    return _find_libraries(_find_nvcc())


def _find_nvcc():
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        raise RuntimeError(
            "the device 'cuda' needs the compiler nvcc, but there is none on the PATH; install the CUDA toolkit and add its folder bin to the PATH"
        )
    return Path(nvcc).resolve().parent.parent


def _find_libraries(toolkit):
    """Flags for the compiler and the linker: of the toolkit, or of the packages nvidia-curand and nvidia-cublas."""
    headers = ("curand_kernel.h", "cublas_v2.h")
    if all((toolkit / "include" / header).exists() for header in headers):
        return [], ["-lcurand", "-lcublas", *["-lcufft"] * (toolkit / "include" / "cufft.h").exists()]
    spec = find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else ():
        for include in sorted(Path(folder).glob("cu*/include")):
            libraries = [
                next(iter(sorted((include.parent / "lib").glob(f"lib{x}.so.*"))), None) for x in ("curand", "cublas")
            ]
            if all((include / header).exists() for header in headers) and all(libraries):
                # the packages bring no unversioned names, so -lcurand would not find them
                if (include / "cufft.h").exists():
                    libraries += sorted((include.parent / "lib").glob("libcufft.so.*"))
                link = [f"-Xlinker {path}" for path in (*libraries, f"-rpath={include.parent / 'lib'}")]
                return [f"-I{include}"], link
    raise RuntimeError(
        "the device 'cuda' needs cuRAND and cuBLAS, which this CUDA toolkit does not bring; install them with: pip install nvidia-curand 'nvidia-cublas>=13,<13.2'"
    )


@lru_cache(maxsize=1)
def _has_gpu():
    command = shutil.which("nvidia-smi")
    if command is None:
        return False
    listed = subprocess.run([command, "--list-gpus"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout
