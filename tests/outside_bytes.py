"""Makes what a reader of outside bytes may be given: what it expects, with one thing changed, and what nobody expects.

Everything is drawn in the same way at every run, so that a test that passed once passes always.
"""

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
fuzzed = settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=SUPPRESSED)
fuzzed_slowly = settings(fuzzed, max_examples=50)  # where each example takes milliseconds

DEEP = "[" * 200_000
"""Python's reader of JSON gives up on it with an error that is no ValueError."""
ODD = [None, True, "", "\ud800", "\0", "٣", -1, 0, 2**70, 10**400, 1e308, float("nan"), float("-inf"), [], [1], {}, [{}], [[]]]

values = st.one_of(
    st.sampled_from(ODD),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=4),
)


def documents(valid):
    """Draw JSON texts: the valid document (a dict) with one field, at any depth, replaced or left out, or with bytes changed."""
    places = list(_places(valid))
    replaced = st.builds(lambda place, value: _with(valid, place, value), st.sampled_from(places), values)
    left_out = st.builds(lambda place: _with(valid, place, KeyError), st.sampled_from(places))
    text = json.dumps(valid)
    return st.one_of(
        st.one_of(replaced, left_out, values).map(json.dumps),
        spoiled(text.encode()).map(lambda data: data.decode(errors="replace")),
        st.text(max_size=30),
        st.sampled_from([DEEP, f'{{"a": {DEEP}', "9" * 5000]),
    )


def spoiled(data):
    """Draw the bytes with some of them changed, cut off, or followed by others."""
    at = st.integers(0, len(data))
    change = st.tuples(at, st.binary(max_size=4))
    changed = st.builds(lambda changes: _changed(data, changes), st.lists(change, min_size=1, max_size=4))
    return st.one_of(
        changed, at.map(lambda end: data[:end]), st.binary(max_size=40).map(lambda more: data + more), st.binary(max_size=64)
    )


def _changed(data, changes):
    for at, new in changes:
        data = data[:at] + new + data[at + len(new) :]
    return data


def _places(value, path=()):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _with(value, path, new):
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if new is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return copy
