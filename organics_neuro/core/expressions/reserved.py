"""Names that no variable may have, because some engine cannot take them.

A declaration runs in every engine, so all of them are refused when it is made. The lists are facts of other languages:
a test compares those of Brian2 with Brian2 itself, and compiles a model whose names are close to them.
"""

import keyword
import re
from functools import cache

from organics_neuro.core.expressions.functions import FUNCTIONS

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_LISTS = {
    "a keyword of C++": """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
    concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete
    do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
    namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
    requires restrict return short signed sizeof static static_assert static_cast struct switch template this
    thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
    xor xor_eq
    """,
    "a name of C++'s libraries": """
    std brian size_t ptrdiff_t ssize_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t
    uintptr_t time_t clock_t FILE NULL NAN INFINITY HUGE_VAL EOF BUFSIZ RAND_MAX EXIT_SUCCESS EXIT_FAILURE errno assert
    offsetof stdin stdout stderr alloca DBL_EPSILON DBL_MAX DBL_MIN FLT_MAX FLT_MIN INT_MAX INT_MIN LONG_MAX LONG_MIN
    UINT_MAX SIZE_MAX MAXFLOAT M_E M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2 M_SQRT1_2 M_LN2 M_LN10 M_LOG2E
    M_LOG10E linux unix pow fabs fmod isnan isinf isfinite printf malloc free memcpy
    """,
    "a name of Cython": """
    cdef cpdef ctypedef cimport bint sizeof nogil gil include DEF IF ELIF ELSE cython range len self
    """,
    "a name of CUDA": """
    threadIdx blockIdx blockDim gridDim warpSize half half2 float2 float3 float4 double2 double3 double4 int2 int3 int4
    uint2 uint3 uint4 dim3 cudaError_t curand curandState cublasHandle_t tid bid bid_idx THREADS_PER_BLOCK
    num_blocks num_threads
    """,
    "a function of Brian2": """
    abs arccos arcsin arctan ceil clip cos cosh exp expm1 exprel floor int log log10 log1p poisson rand randn sign sin
    sinh sqrt tan tanh timestep
    """,
    "a constant of Brian2": "e inf pi",
    "a variable of Brian2": """
    t dt t_in_timesteps i j N xi lastspike not_refractory refractory refractory_until
    """,
    "a constant of SymPy": "oo nan zoo",
    "an attribute of every group in Brian2": """
    active add_attribute add_dependency add_to_magic_network after_run assign_id before_run by_neuron
    check_variable_write circuit clock code_objects codeobj_class contained_objects custom_operation equations
    event_codes events external get_states given guard id indices integrator invalidates_magic_network method_choice
    name namespace next_summand order per_trial processes projections received replaced resetter resolve_all run
    run_at run_on_clock run_on_event run_regularly runner schedule set_event_schedule supplied supply set_states spikes
    start state state_updater stop
    subexpression_updater thresholder trials units updaters user_equations variables weights_dtype when
    """,
    "an argument of a circuit": "model weights initial size",
    "what couplings to spiking neurons call a rate": "rate",
}
_REASONS = {name: reason for reason, listed in _LISTS.items() for name in listed.split()}

_PREFIXES = "y z a f p n u m c d da h k M G T P E Z Y"
_UNITS = """
amp ampere becquerel candle celsius coulomb farad gram gramme gray henry hertz joule katal kelvin kilogram kilogramme
liter litre lumen lux meter metre mol molar mole newton ohm pascal radian second siemens sievert steradian tesla volt
watt weber
"""
#: Units that Brian2 has under short names.
_SHORT = "Hz kHz MHz cm mm um mA uA nA pA mM uM nM mV ms us nF pF uF nS uS"


@cache
def units() -> frozenset[str]:
    """Every name that Brian2 takes for a unit."""
    long = [prefix + unit for unit in _UNITS.split() for prefix in ("", *_PREFIXES.split())]
    return frozenset(name + power for name in (*long, *_SHORT.split()) for power in ("", "2", "3"))


def reserved(name: str) -> str | None:
    """Why ``name`` cannot be given to a variable, or None if it can."""
    if keyword.iskeyword(name):
        return "a keyword of Python"
    if name in units():
        return "a unit of Brian2"
    if name in FUNCTIONS:
        return "a function of expressions"
    if name.startswith("xi_"):
        return "a name of noise in Brian2"
    if name.startswith("organics_"):
        return "a name of this package in Brian2"
    return _REASONS.get(name)


def why_not(name: object) -> str | None:
    """Why ``name`` cannot name a variable, as the end of a sentence, or None if it can."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        return "it must begin with a letter and hold ASCII letters, digits and underscores only"
    if name.endswith("_"):
        return "Brian2 reads a name that ends with an underscore as the variable without its unit"
    reason = reserved(name)
    return reason and f"it is {reason}"


def is_name(name: object) -> bool:
    """Whether ``name`` can name a variable in every engine."""
    return why_not(name) is None


def is_part_name(name: object) -> bool:
    """Whether ``name`` can name a part of a joined circuit: an identifier of ASCII letters, digits and underscores."""
    return isinstance(name, str) and bool(_IDENTIFIER.fullmatch(name)) and not keyword.iskeyword(name)
