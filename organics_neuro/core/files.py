"""Versioned safetensors files with JSON metadata, written atomically.

A file holds named arrays and, in its header, what it is (``kind``), the version of its layout and a JSON text.
Reading one executes nothing.
"""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from organics_neuro.core.errors import FileFormatError

FORMAT_VERSION = 1
_KEY = "organics_neuro"
#: What is in the header; every version has these.
_PARTS = {"format_version": int, "kind": str, "metadata": dict}


def save(path, arrays, kind, metadata):
    """Write ``arrays`` (dict of ndarray) and ``metadata`` (JSON-able) to ``path``; the file appears whole or not at all."""
    from safetensors.numpy import save as encode

    header = {"format_version": FORMAT_VERSION, "kind": kind, "metadata": metadata}
    data = encode(
        {k: np.ascontiguousarray(v).reshape(np.shape(v)) for k, v in arrays.items()}, {_KEY: json.dumps(header)}
    )
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load(path, *kinds):
    """Arrays and metadata of a file written by `save`, of one of these kinds.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If it is not such a file, holds something else, or comes from a newer version.
    """
    from safetensors import safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  not a dict
    except Exception as error:  # many kinds: types that NumPy does not have are an AttributeError
        raise FileFormatError(f"{path} is not a readable safetensors file ({error})") from error
    version, kind, metadata = _header(path, header)
    if version > FORMAT_VERSION:
        raise FileFormatError(
            f"{path} has format version {version}, this version reads up to {FORMAT_VERSION}; upgrade organics_neuro"
        )
    if kind not in kinds:
        raise FileFormatError(f"{path} holds a {kind}, not a {' or '.join(kinds)}")
    return arrays, metadata


def _header(path, header):
    """The three parts of a header, if it has them."""
    parts = [header.get(name) if isinstance(header, dict) else None for name in _PARTS]
    if not all(map(isinstance, parts, _PARTS.values())):
        raise FileFormatError(
            f"{path} is a safetensors file, but was not written by organics_neuro: its header must have {' and '.join(_PARTS)}"
        )
    return parts


def check_writable(path):
    """Raise `OSError`, in one sentence, if no file can be written to ``path``."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the path of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} cannot be written to; give another one")


def make_folder(path):
    """Create a folder and those it lies in, if they do not exist; raises `OSError`, in one sentence, if that fails."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"the folder {path} cannot be created ({error.strerror}); give another one") from error


@contextmanager
def replacing(path):
    """A temporary path beside ``path`` that takes its place when the block ends, and is removed if it fails.

    A reader, or an interruption, never meets half a file.
    """
    path = Path(path)
    check_writable(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
