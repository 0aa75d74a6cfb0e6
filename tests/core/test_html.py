"""What notebooks show: equations for MathJax, and pictures of weights whose pixels are the weights."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest

import organics_neuro as on


def pixels(text):
    """The image in an HTML text, (rows, columns, 3), decoded here once more."""
    data = base64.b64decode(re.search(r"base64,([^']+)'", text)[1])
    columns, rows = struct.unpack(">II", data[16:24])
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    lines = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(rows, 1 + 3 * columns)
    return lines[:, 1:].reshape(rows, columns, 3).astype(float)


def test_weights_are_drawn_by_sign_and_size():
    matrix = np.array([[1.0, 0.0, -1.0], [0.5, 0.0, -0.5]])
    found = pixels(on.Dense(matrix)._repr_html_())
    assert found.shape == (2, 3, 3)
    np.testing.assert_array_equal(found[:, 1], 255)  # 0 is white
    np.testing.assert_array_equal(found[0, 0], (213, 94, 0))
    np.testing.assert_array_equal(found[0, 2], (0, 114, 178))
    np.testing.assert_allclose(found[1, 0], (255 + np.array([213, 94, 0])) / 2, atol=1)


def test_large_weights_are_averaged_and_very_large_ones_left_out():
    found = pixels(on.Dense(np.outer(np.ones(300), np.linspace(-1, 1, 200)))._repr_html_())
    assert max(found.shape[:2]) <= 100
    assert found[0, 0, 2] > found[0, 0, 0]
    assert "<img" not in on.AllToAll(10_000)._repr_html_()


@pytest.mark.parametrize("name", on.MODELS)
def test_every_model_has_its_equations(name):
    text = on.MODELS[name]._repr_html_()
    assert text.count(r"\frac{d") >= len(on.MODELS[name].states)
    assert "texttt" not in text


def test_a_circuit_shows_parameters_and_couplings():
    text = on.ring(n=12, sigma=0.25)._repr_html_()
    for part in ("12 units", r"\tau_{y}", "0.25", "W_{r}", "Circulant(shape=(12, 12))", "<img"):
        assert part in text
    joined = on.join({"e": on.ring(n=12), "i": on.ring(n=9)}, [on.Coupling("e.z", np.ones((12, 9)), "i: y")])
    text = joined._repr_html_()
    assert "12 units" in text
    assert "9 units" in text
    assert "e.z ← y" in text
