"""Where C++ for matrix products in float32 on AMX tiles is, for the kernels of Brian2 and of torch."""

from pathlib import Path

HEADER = Path(__file__).with_name("tiles.h")
