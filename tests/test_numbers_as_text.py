"""Numbers are shown with five digits, true minus signs and a unit that fits them."""

import pytest

from latentgrid.text import beside, number, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2_164_100, "2,164,100"),
        (31.8484, "31.848"),
        (0.00075, "0.00075"),
        (1e-9, "1e−09"),
        (9999.96, "10,000"),
        (12345.678, "12,346"),
        (-3.0, "−3"),
        (-12000, "−12,000"),
        (-12000.5, "−12,000"),
        (-0.5, "−0.5"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (None, "–"),
        (float("nan"), "–"),
        ("adam", "adam"),
        (True, "True"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999_400, "999 kB"),
        (999_700, "1 MB"),
        (3_440_000, "3.44 MB"),
        (999_700_000, "1 GB"),
        (1.5e12, "1.5 TB"),
    ],
)
def test_sizes(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "limits", "text"),
    [
        (2.04, [], "2.0"),
        (2.04, [2], "2.04"),
        (1.96, [2], "1.96"),
        (2.0, [2], "2.0"),
        (2.04, [2.03], "2.04"),  # it would round to the other side
        (-0.004, [0, 2], "−0.004"),
        (2 + 1e-9, [2], "2.0"),  # more decimals would only be noise
        (float("nan"), [2], "–"),
    ],
)
def test_a_number_is_not_rounded_to_what_it_exceeds(value, limits, text):
    assert beside(value, limits, 1) == text
