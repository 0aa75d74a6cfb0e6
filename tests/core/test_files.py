"""Files: what is damaged or foreign is refused, and what was there stays until the new file is whole."""

import json
import os
import stat
import struct
import subprocess
import sys

import numpy as np
import pytest

from organics_neuro.core import files
from organics_neuro.core.errors import FileFormatError, UncheckedFileWarning

ARRAYS = {"w": np.arange(6.0).reshape(2, 3), "n": np.array(3), "f": np.float32([1.5])}


@pytest.fixture
def path(tmp_path):
    """A file with some content."""
    files.save(tmp_path / "one.safetensors", ARRAYS, "thing", {"name": "Ä", "sizes": (1, 2)})
    return tmp_path / "one.safetensors"


def same(content, expected):
    return content[1:] == expected[1:] and all(
        np.array_equal(content.arrays[k], v) and content.arrays[k].dtype == v.dtype for k, v in expected.arrays.items()
    )


def test_what_was_saved_is_read(path):
    arrays, metadata, kind, checksum = files.load(path, "other", "thing")
    assert (metadata, kind) == ({"name": "Ä", "sizes": [1, 2]}, "thing")
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
    assert checksum == files.checksum(ARRAYS, "thing", {"sizes": (1, 2), "name": "Ä"})


def test_the_checksum_tells_contents_apart():
    changed = [
        ({"w": np.arange(6.0)}, "a", {}),
        ({"w": np.arange(6.0).reshape(2, 3)}, "a", {}),
        ({"w": np.arange(6)}, "a", {}),
        ({"v": np.arange(6.0)}, "a", {}),
        ({"w": np.arange(6.0), "v": np.zeros(0)}, "a", {}),
        ({"w": np.arange(6.0)}, "b", {}),
        ({"w": np.arange(6.0)}, "a", {"b": 1}),
    ]
    assert len({files.checksum(*content) for content in changed}) == len(changed)
    assert files.checksum({"w": np.arange(6.0)[::-1][::-1].astype(">f8")}, "a", {}) == files.checksum(*changed[0])


def test_a_flipped_bit_is_found_or_harmless(path):
    """One in each byte. Harmless is white space in the header, where the format allows any."""
    data, expected = path.read_bytes(), files.load(path, "thing")
    harmless = 0
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            harmless += same(files.load(path, "thing"), expected)
        except FileFormatError:
            continue
        assert same(files.load(path, "thing"), expected), f"byte {at}"
    assert harmless < 4


def test_files_of_version_1_have_no_checksum(path):
    edit_header(path, lambda h: h.update(format_version=1, sha256=None))
    with pytest.warns(UncheckedFileWarning, match="has no checksum, so damage to it would go unnoticed; save it again"):
        assert files.load(path, "thing").checksum is None
    edit_header(path, lambda h: h.pop("sha256"))
    with pytest.warns(UncheckedFileWarning):
        assert files.load(path, "thing").checksum is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h.pop("sha256"),
        lambda h: h.update(sha256=None),
        lambda h: h.update(kind="other"),
        lambda h: h["metadata"].update(name="A"),
        lambda h: h.update(format_version=1),
    ],
)
def test_a_header_that_was_changed_is_refused(path, edit):
    edit_header(path, edit)
    with pytest.raises(FileFormatError, match="is damaged: its content does not agree with its checksum; copy it anew"):
        files.load(path, "thing", "other")


def test_every_truncation_is_refused(path):
    data = path.read_bytes()
    for length in (0, 4, 8, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match="not a readable safetensors file"):
            files.load(path, "thing")


def test_foreign_file(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.ones(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(FileFormatError, match="was not written by organics_neuro"):
        files.load(tmp_path / "foreign.safetensors", "thing")


def test_file_of_something_else(path):
    with pytest.raises(FileFormatError, match="holds a thing, not a circuit"):
        files.load(path, "circuit")


def test_newer_file(path, monkeypatch):
    monkeypatch.setattr(files, "FORMAT_VERSION", 1)
    with pytest.raises(FileFormatError, match="has format version 2, this version reads up to 1; upgrade"):
        files.load(path, "thing")


def edit_header(path, edit):
    """Change the JSON metadata of a safetensors file in place."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["organics_neuro"])
    edit(ours)
    header["__metadata__"]["organics_neuro"] = json.dumps(ours)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h.pop("kind"),
        lambda h: h.pop("metadata"),
        lambda h: h.pop("format_version"),
        lambda h: h.update(kind=["thing"]),
        lambda h: h.update(metadata=[]),
        lambda h: h.update(format_version="1"),
    ],
    ids=["no kind", "no metadata", "no version", "kind of another type", "metadata", "version"],
)
def test_file_with_wrong_header(path, edit):
    edit_header(path, edit)
    with pytest.raises(FileFormatError, match="its header must have format_version and kind and metadata"):
        files.load(path, "thing")


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3"])
def test_file_of_numbers_that_numpy_does_not_have(tmp_path, dtype):
    path = tmp_path / "one.safetensors"
    header = json.dumps({"w": {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(FileFormatError, match="is not a readable safetensors file"):
        files.load(path, "thing")


@pytest.mark.parametrize(("path", "why"), [("file", "File exists"), ("file/runs/one", "Not a directory")])
def test_a_folder_that_cannot_be_created(tmp_path, path, why):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=rf"the folder .*{path} cannot be created \({why}\); give another one"):
        files.make_folder(tmp_path / path)


# --- writing ---------------------------------------------------------------------------------------------------------


def write(path, text="new"):
    with files.replacing(path) as temporary:
        temporary.write_text(text)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    write(tmp_path / "file", "old")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path):
    """A limit on the size of files stands for the disk."""
    resource = pytest.importorskip("resource")
    write(tmp_path / "file", "old")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(OSError, match=r"file could not be written \(File too large\); what was there .* kept$"):
            write(tmp_path / "file", 2000 * "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_errors_of_others_are_left_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file.*elsewhere"), files.replacing(tmp_path / "file"):
        (tmp_path / "elsewhere").read_text()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Of that path alone, and nothing of a process that still runs."""
    code = (
        "import sys, time; from organics_neuro.core import files\n"
        "with files.replacing(sys.argv[1]): print(flush=True); time.sleep(60)"
    )
    processes = []
    for name in ("file", "file", "file.csv"):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        processes[-1].stdout.readline()
    killed, running, other = processes
    for process in (killed, other):
        process.kill()
        process.wait()
    write(tmp_path / "file")
    left = sorted(p.name for p in tmp_path.iterdir())
    assert len(left) == 3
    assert left[0].startswith(".file.")
    assert f".{running.pid}." in left[0]
    assert left[1].startswith(".file.csv.")
    assert left[2] == "file"
    running.kill()
    running.wait()
    write(tmp_path / "file")
    write(tmp_path / "file.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "file.csv"]


def test_new_files_have_the_mode_of_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(old)
    assert mode(tmp_path / "file") == 0o640


@pytest.mark.parametrize("kept", [0o600, 0o664, 0o755])
def test_old_files_keep_their_mode(tmp_path, kept):
    write(tmp_path / "file")
    (tmp_path / "file").chmod(kept)
    write(tmp_path / "file")
    assert mode(tmp_path / "file") == kept


def test_a_write_protected_file_is_not_replaced(tmp_path, monkeypatch):
    write(tmp_path / "file", "old")
    monkeypatch.setattr(os, "access", lambda path, how: os.path.isdir(path))  # as for those who are not root
    with pytest.raises(PermissionError, match="file is write-protected; change its mode or give another path"):
        write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"


def test_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is a device or a pipe, which would be replaced; give the path of a file"):
        write(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_is_followed(tmp_path):
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
    for old in ("old", None):
        target, link = tmp_path / "there" / "file", tmp_path / "here" / "link"
        target.unlink(missing_ok=True)
        link.unlink(missing_ok=True)
        if old:
            target.write_text(old)
        link.symlink_to("../there/file")
        write(link)
        assert link.is_symlink()
        assert target.read_text() == "new"
        assert [p.name for p in (tmp_path / "there").iterdir()] == ["file"]
    link.unlink()
    link.symlink_to("../nowhere/file")
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist; create it first"):
        write(link)


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(files, "_flush", lambda path: done.append(path.name if path.is_file() else "folder"))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("replace") or replace(*paths))
    write(tmp_path / "file")
    assert done[0].startswith(".file.")
    assert done[1:] == ["replace", "folder"]


def test_a_path_that_is_too_long_is_one_sentence():
    with pytest.raises(OSError, match=r"the path 9{300}\.\.\. cannot be used \(File name too long\); give another one"):
        write("9" * 5000)
