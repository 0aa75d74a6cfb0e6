"""Sums over the source on CUDA: in one launch, or in two over all multiprocessors (see patterns.cuh)."""

#: Numbers of the source, times patterns, that each block adds up by itself.
ONE_LAUNCH = 8192
#: Least units of a part of the source, and the most parts.
PART, PARTS = 2048, 256


def in_one_or_two(function: str, operator, patterns: int) -> tuple[str, ...]:
    """Names of the functions that multiply with an operator of so many patterns."""
    return (function,) if _is_small(operator, patterns) else (f"{function}_parts", f"{function}_whole")


def parts(operator, patterns: int, trials: int) -> dict[str, int]:
    """Working memory for the sums of the parts."""
    count = 1 if _is_small(operator, patterns) else min(-(-operator.shape[1] // PART), PARTS)
    return {"parts": count * patterns * trials}


def _is_small(operator, patterns):
    return operator.shape[1] * patterns <= ONE_LAUNCH
