"""What brian2cuda needs to compile the kernels with CUDA 13."""

from jinja2 import DictLoader

_prepared = False


def prepare_makefile(linker_flags: list[str]) -> None:
    """Make the makefile of brian2cuda fit for CUDA 13, without editing its files.

    Thrust of CUDA 13 needs C++17, where the makefile asks for C++11, and libraries must follow the objects.

    Parameters
    ----------
    linker_flags : list of str
        What brings cuRAND and cuBLAS.
    """
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    global _prepared
    if _prepared:
        return
    loader = CUDAStandaloneCodeObject.templater.env.loader
    makefile = loader.get_source(CUDAStandaloneCodeObject.templater.env, "makefile")[0]
    for old, new in (
        ("-std=c++11", "-std=c++17"),
        ("-lcurand", " ".join(linker_flags)),
        ("$(LFLAGS) $(OBJS)", "$(OBJS) $(LFLAGS)"),
    ):
        if old not in makefile:
            raise RuntimeError(f"the makefile of this brian2cuda has no {old!r}; use brian2cuda 1.0b1")
        makefile = makefile.replace(old, new)
    loader.loaders.insert(0, DictLoader({"makefile": makefile}))
    _prepared = True
