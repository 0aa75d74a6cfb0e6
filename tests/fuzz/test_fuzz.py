"""The campaign in short: a few cases of every area, in seconds; ``make fuzz`` is the long form."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import campaign, outcomes, page
from tests.fuzz.areas import NAMES, arguments, attempt_of

pytest.importorskip("torch")

#: How many cases of an area are tried here.
CASES = {"arguments": 150, "circuits": 4, "commands": 8, "files": 25, "kills": 2, "layers": 10, "models": 4}


@pytest.mark.parametrize("area", CASES)
def test_nothing_is_wrong_in_silence(area, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for number in range(CASES[area]):
        outcome, text = outcomes.judge(attempt_of(area), campaign.draw(area, 0, number))
        assert outcome in outcomes.GOOD, f"{area}:0:{number}: {text}"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("step_response unit", "dates"),
        ("spike_triggered_average hold", "numbers"),
        ("gamma lowest", "quantities"),
        ("gamma lowest", "quantity"),
        ("variability time", "10**12"),
        ("lfp highest", "1e9"),
        ("coherence highest", "1e9"),
        ("coherence highest", "empty"),
        ("f_i_curve unit", "rows"),
        ("variability maximum", "empty"),
        ("attention_dynamics gains", "2**63"),
        ("perturbed_recurrence localized", "dates"),
        ("adaptation angles", "zero"),
        ("orientation_tuning unit", "tensor: three axes"),
        ("mask_tuning angles", "rows"),
        ("power_spectrum frequencies", "half"),
        ("power_spectrum resolution", "small"),
        ("attention gains", "decimal"),
        ("attention field", "10**5000"),
        ("attention field", "large"),
        ("feedforward", "ragged"),
        ("receptive field", "large"),
        ("patch", "10**5000"),
        ("starts", "10**12"),
        ("inputs of a group", "numbers"),
        ("replaced", "rows"),
        ("replaced y", "tensor: grad"),
        ("trials of a group", "2**63"),
        ("source of a projection", "tensor: sparse"),
        ("rate", "four axes"),
        ("cells", "2**63"),
        ("variable", "masked"),
        ("conductance", "tensor: grad"),
        ("stability_census samples", "2**63"),
        ("reverse_correlation frames", "10**12"),
        ("spike_triggered_average hold", "large"),
    ],
)
def test_what_was_once_a_traceback(call, value):
    outcome, text = outcomes.judge(lambda _: arguments.calls()[call](arguments.values()[value]), None)
    assert outcome in outcomes.GOOD, text


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_declarations_are_read_as_python_reads_them(drawn):
    """Hypothesis draws the random numbers here, and shows the smallest text that goes wrong."""
    outcome, text = outcomes.judge(attempt_of("declarations"), drawn)
    assert outcome in outcomes.GOOD, text


def test_every_area_is_tried_here():
    assert {*CASES, "declarations"} == {*NAMES}


def raise_wrong(_):
    raise outcomes.WrongError("1 is 2")


def raise_undetected(_):
    raise outcomes.UndetectedError("a file")


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [
        (lambda _: None, outcomes.ACCEPTED),
        (lambda _: organics().Dense("a"), outcomes.REFUSED),
        (lambda _: organics().simulate(), outcomes.INSIDE),
        (lambda _: {}["a"], outcomes.INSIDE),
        (lambda _: float("a"), outcomes.INSIDE),
        (raise_wrong, outcomes.WRONG),
        (raise_undetected, outcomes.UNDETECTED),
    ],
)
def test_outcomes_are_told_apart(attempt, outcome):
    assert outcomes.judge(attempt, random.Random(0))[0] == outcome


def organics():
    import organics_neuro

    return organics_neuro


CHILD = """
import os, sys, time
print("ready", flush=True)
for kind in {kinds!r}:
    if kind == "crash":
        os.kill(os.getpid(), 11)
    if kind == "hang":
        time.sleep(60)
    print('["accepted", ""]', flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(["", "crash"], {"accepted": 1, "crashed": 1}), (["", "", "hang"], {"accepted": 2, "hung": 1})],
)
def test_a_child_that_crashes_or_hangs_is_counted_and_replaced(monkeypatch, kinds, expected):
    started, begin = [], campaign.subprocess.Popen

    def start(command, **options):
        started.append(command[-1])
        replaced = CHILD.format(kinds=kinds if len(started) == 1 else [])
        return begin([campaign.sys.executable, "-c", replaced], **options)

    monkeypatch.setattr(campaign.subprocess, "Popen", start)
    monkeypatch.setattr(campaign, "LIMIT", 1)
    counts, bad = campaign.Counter(), []
    number, left = campaign._watch("files", 1, 0, 60, counts, bad, lambda line: None)
    assert (number, dict(counts)) == (len(kinds), expected)
    assert left > 0
    assert bad[0].startswith(f"files:1:{len(kinds) - 1} ")
    assert started == ["files:1:0"]


def test_counts_are_written_between_the_marks(monkeypatch, tmp_path):
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    page.PAGE.write_text("before\n<!-- counts: by make fuzz -->\nold\n<!-- end -->\nafter\n")
    report = campaign.Report(7, 0.5, {"files": campaign.Counter({outcomes.REFUSED: 1200, outcomes.HUNG: 1})})
    page.write(report)
    text = page.PAGE.read_text()
    assert text.startswith("before\n<!-- counts: by make fuzz -->\nVersion ")
    assert text.endswith("|\n<!-- end -->\nafter\n")
    assert "seed 7, 0.5 minutes:" in text
    assert "| files | 1,201 | 0 | 1,200 | 0 | 0 | 0 | 1 | 0 |\n| all | 1,201 |" in text
    assert "old" not in text
