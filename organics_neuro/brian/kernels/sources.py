"""Files of code that lie beside the modules: C++, CUDA, Cython, and NumPy with the extension of Brian2's templates."""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent


def source(*names: str, **constants: int | str) -> str:
    """The text of files of this folder, one after the other, with values in place of the names of ``constants``."""
    text = "".join("\n" + (_FOLDER / name).read_text(encoding="utf-8") for name in names)
    if not constants:
        return text
    return re.sub(rf"\b({'|'.join(constants)})\b", lambda match: str(constants[match[1]]), text)
