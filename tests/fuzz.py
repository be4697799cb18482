"""What the tests with generated input share: their cases, how many there were, one way to end."""

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from latentgrid.errors import plain_errors

CASES: Counter[str] = Counter()
REFUSED: Counter[str] = Counter()
MAX_LINES = 5
PHASES = (Phase.explicit, Phase.generate)  # making a failing case smaller takes minutes

# Fixtures may be shared by the cases of a test, as each case writes over what it changed.
QUIET = {"suppress_health_check": list(HealthCheck), "deadline": None}


def cases(n):
    """Let a test run on n generated inputs: the same at every call, others after an edit.

    Hypothesis takes some of the constants of the code that it finds for its inputs.
    """
    return settings(max_examples=n, phases=PHASES, derandomize=True, database=None, **QUIET)


def end_of(kind: str, action: Callable[[], object], *named: str) -> str | None:
    """Run an action as a command runs it; return what it said, or None if it found nothing wrong.

    It may end in nothing but a message of a few lines that can be printed and that names the
    file, or whatever else `named` asks for.
    """
    CASES[kind] += 1
    try:
        with plain_errors():
            action()
    except SystemExit as ended:
        said = ended.code
    else:
        return None
    REFUSED[kind] += 1
    assert isinstance(said, str)
    assert said.startswith("error: ")
    lines = said.split("\n")
    assert len(lines) <= MAX_LINES
    assert all(line.isprintable() and len(line) < 1200 for line in lines), said
    for name in named:
        assert name in said
    return said


@st.composite
def spoilt(draw, content: bytes):
    """Bytes cut short, with bits flipped, with a part lost or doubled, or with others in it."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 40))
        match draw(st.sampled_from(["cut", "flip", "lose", "double", "insert"])):
            case "cut":
                del data[place:]
            case "flip" if data:
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "lose":
                del data[place : place + length]
            case "double":
                data[place:place] = data[place : place + length]
            case _:
                data[place:place] = draw(st.binary(min_size=1, max_size=12))
    return bytes(data)
