"""Versioned safetensors files with JSON metadata and a checksum of their content, written atomically.

A file holds named arrays and, in its header, what it is (``kind``), the version of its layout, a JSON text and the
SHA-256 of all of these. Reading one executes nothing.
"""

import errno
import hashlib
import json
import os
import re
import secrets
import socket
import stat
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning, shown

#: Version 1 had no checksum.
FORMAT_VERSION = 2
_KEY = "organics_neuro"
#: What is in the header; every version has these.
_PARTS = {"format_version": int, "kind": str, "metadata": dict}
#: Characters of a path that a message shows: all of a path that one may have.
_PATH = 300
#: What goes wrong when a file is written that is nobody's mistake in the program: no space, no quota, a broken disk.
_FAILURES = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
}

StrPath = str | PathLike[str]


class Content(NamedTuple):
    """What `load` reads; ``checksum`` is None in a file of version 1, which has none."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, Any]
    kind: str
    checksum: str | None


def save(path: StrPath, arrays: Mapping[str, np.ndarray], kind: str, metadata: Mapping[str, Any]) -> None:
    """Write ``arrays`` and ``metadata`` (JSON-able) to ``path``; the file appears whole or not at all."""
    from safetensors.numpy import save as encode

    arrays = {k: np.ascontiguousarray(v).reshape(np.shape(v)) for k, v in arrays.items()}
    metadata = json.loads(json.dumps(metadata))  # as it will be read
    header = {"format_version": FORMAT_VERSION, "kind": kind, "metadata": metadata}
    data = encode(arrays, {_KEY: json.dumps({**header, "sha256": checksum(arrays, kind, metadata)})})
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load(path: StrPath, *kinds: str) -> Content:
    """Read a file written by `save`, of one of these kinds.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If it is not such a file, is damaged, holds something else, or comes from a newer version.
    """
    from safetensors import safe_open

    path = existing(path)
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  not a dict
    except Exception as error:  # many kinds: types that NumPy does not have are an AttributeError
        raise FileFormatError(f"{path} is not a readable safetensors file ({error})") from error
    content = _checked(path, header, arrays)
    if content.kind not in kinds:
        raise FileFormatError(f"{path} holds a {content.kind}, not a {' or '.join(kinds)}")
    return content


def as_path(path: Any) -> Path:
    """``path`` as a `Path`; raises `TypeError` if it is none."""
    if not isinstance(path, (str, PathLike)):
        raise TypeError(f"the path of a file must be text or a Path, got {shown(path)}")
    return Path(path)


def existing(path: Any, remedy: str = "") -> Path:
    """``path`` as a `Path` of a file that is there; raises `FileNotFoundError` otherwise, with what is to be done about it."""
    path = as_path(path)
    try:
        found = path.is_file()
    except (OSError, ValueError):  # of a name too long, or with a null character
        found = False
    if not found:
        raise FileNotFoundError(f"no file {shown(path, str, _PATH)}{remedy}")
    return path


def _checked(path: Path, header: Any, arrays: dict[str, np.ndarray]) -> Content:
    """The content of a file, if its header has all parts and its checksum is right."""
    if not isinstance(header, dict) or not all(isinstance(header.get(name), type_) for name, type_ in _PARTS.items()):
        raise FileFormatError(
            f"{path} is a safetensors file, but was not written by organics_neuro: its header must have {' and '.join(_PARTS)}"
        )
    version, kind, metadata = (header[name] for name in _PARTS)
    if version > FORMAT_VERSION:
        raise FileFormatError(
            f"{path} has format version {version}, this version reads up to {FORMAT_VERSION}; upgrade organics_neuro"
        )
    found = None if version == 1 else checksum(arrays, kind, metadata)
    if header.get("sha256") != found:
        raise FileFormatError(f"{path} is damaged: its content does not agree with its checksum; copy it anew")
    if found is None:
        warn_unchecked(path)
    return Content(arrays, metadata, kind, found)


def warn_unchecked(path: StrPath) -> None:
    """Warn that a file has no checksum."""
    message = f"{path} has no checksum, so damage to it would go unnoticed; save it again to give it one"
    warnings.warn(message, UncheckedFileWarning, stacklevel=4)


def checksum(arrays: Mapping[str, np.ndarray], kind: str, metadata: Mapping[str, Any]) -> str:
    """SHA-256 of arrays (names, types, shapes, numbers), a kind and metadata, whatever the order in their dictionaries.

    The metadata are taken as JSON text, so that tuples and lists are the same.
    """
    digest = hashlib.sha256(json.dumps([kind, metadata], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(json.dumps([name, array_checksum(arrays[name])]).encode())
    return digest.hexdigest()


def array_checksum(array: np.ndarray) -> str:
    """SHA-256 of the type, shape and numbers of an array, whatever the order of their bytes in memory."""
    array = np.asarray(array)
    array = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    digest = hashlib.sha256(json.dumps([array.dtype.str, array.shape]).encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


# --- writing ---------------------------------------------------------------------------------------------------------


def check_writable(path: StrPath) -> None:
    """Raise `OSError`, in one sentence, if no file can be written to ``path``."""
    path = as_path(path)
    if "\0" in str(path):
        raise ValueError(f"the path {str(path)!r} holds a null character; give another one")
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise OSError(
            f"the path {shown(path, str, _PATH)} cannot be used ({error.strerror}); give another one"
        ) from error
    if is_folder:
        raise IsADirectoryError(f"{path} is a folder; give the path of a file")
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"the folder {target.parent} cannot be written to; give another one")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is a device or a pipe, which would be replaced; give the path of a file")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"the file {target} is write-protected; change its mode or give another path")


def make_folder(path: StrPath) -> None:
    """Create a folder and those it lies in, if they do not exist; raises `OSError`, in one sentence, if that fails."""
    try:
        as_path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"the folder {path} cannot be created ({error.strerror}); give another one") from error


@contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends, and is removed if it fails.

    A reader, an interruption or a crash of the machine never meets half a file. A link is followed: the file it points
    to is replaced. A new file has the mode that the umask leaves, an old one keeps its own. What processes that were
    killed have left beside ``path`` is removed.

    Raises
    ------
    OSError
        If the file cannot be written, in one sentence; what was at ``path`` before is kept.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    _remove_stale(target)
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        _flush(temporary)
        if target.exists():
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
        _flush(target.parent)
    except OSError as error:
        if error.errno in _FAILURES and (error.filename is None or str(error.filename) == str(temporary)):
            reason = f"{path} could not be written ({error.strerror}); what was there before is kept"
            raise type(error)(reason) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """How the names of temporary files of this computer begin: others may share the folder, and number their processes, too."""
    return f".{target.name}.{zlib.crc32(socket.gethostname().encode()):08x}."


def _remove_stale(target: Path) -> None:
    """Remove the temporary files of processes of this computer that no longer run."""
    pattern = re.compile(re.escape(_prefix(target)) + r"(\d+)\.[0-9a-f]{8}\.tmp")
    for entry in os.scandir(target.parent):
        match = pattern.fullmatch(entry.name)
        if match and not _runs(int(match[1])):
            Path(entry).unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether a process runs; yes, where that cannot be asked without harm (Windows)."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; file systems that cannot say so are believed."""
    with suppress(PermissionError, IsADirectoryError):  # Windows opens no folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(handle)
