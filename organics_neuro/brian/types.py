"""Types of arguments, for editors."""

from typing import TypeAlias

import brian2 as b2
import numpy as np

#: A number with a unit: ``5*ms`` is a `Quantity`, which type checkers take for an array.
QuantityLike: TypeAlias = b2.Quantity | np.ndarray | float
