"""Random well-typed conditions over a fixed scope, and random worlds in which names may be undefined."""

from __future__ import annotations

from hypothesis import strategies as st

from cti_engine.core.expressions.syntax import Comparison, Junction, ListLiteral, Literal, Name, Node, Not
from cti_engine.core.expressions.values import BOOLEAN, DURATION, NUMBER, TEXT, Type, list_of

SCOPE: dict[str, Type] = {
    "agent.spanish": NUMBER,
    "agent.english": NUMBER,
    "queue.ewt": DURATION,
    "call.age": DURATION,
    "call.segment": TEXT,
    "call.intent": TEXT,
    "agent.mortgages": BOOLEAN,
    "tried": BOOLEAN,
    "call.preferred_agents": list_of(TEXT),
    "call.scores": list_of(NUMBER),
}
_WORDS = ["gold", "vip", "", 'a "b" \\ c', "ñandú", "it's"]

numbers = st.one_of(
    st.integers(-5, 12), st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: not x.is_integer())
)
texts = st.one_of(st.sampled_from(_WORDS), st.text(max_size=8))
durations = st.one_of(
    st.sampled_from([0.0, 0.15, 20.0, 90.0, 600.0, 3600.0, 86400.0]),
    st.floats(0, 1e6).map(lambda x: round(x, 3)),
)
_LITERALS = {
    NUMBER: numbers.map(lambda v: Literal(v, NUMBER)),
    TEXT: texts.map(lambda v: Literal(v, TEXT)),
    DURATION: durations.map(lambda v: Literal(v, DURATION)),
    BOOLEAN: st.booleans().map(lambda v: Literal(v, BOOLEAN)),
}


def _names(type_: Type) -> st.SearchStrategy[Node]:
    return st.sampled_from([Name(name) for name, each in SCOPE.items() if each == type_])


def _scalar(type_: Type) -> st.SearchStrategy[Node]:
    return st.one_of(_names(type_), _LITERALS[type_])


def _list(item: Type) -> st.SearchStrategy[Node]:
    literal = st.lists(_LITERALS[item], max_size=3).map(lambda items: ListLiteral(tuple(items)))
    names = [Name(name) for name, each in SCOPE.items() if each == list_of(item)]
    return st.one_of(literal, st.sampled_from(names)) if names else literal


def _comparisons() -> st.SearchStrategy[Node]:
    options: list[st.SearchStrategy[Node]] = []
    for type_ in (NUMBER, TEXT, DURATION):
        signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
        options.append(st.builds(Comparison, signs, _scalar(type_), _scalar(type_)))
        member = st.sampled_from(["in", "not in"])
        options.append(st.builds(Comparison, member, _scalar(type_), _list(type_)))
        options.append(st.builds(Comparison, st.just("has"), _list(type_), _scalar(type_)))
    return st.one_of(options)


conditions: st.SearchStrategy[Node] = st.recursive(
    st.one_of(_scalar(BOOLEAN), _comparisons()),
    lambda inner: st.one_of(
        inner.map(Not),
        st.builds(
            Junction, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4).map(tuple)
        ),
        st.builds(Comparison, st.sampled_from(["==", "!="]), inner, inner),
    ),
    max_leaves=12,
)

_VALUES: dict[str, st.SearchStrategy[object]] = {
    "number": numbers,
    "text": texts,
    "duration": durations,
    "boolean": st.booleans(),
}


def _value(type_: Type) -> st.SearchStrategy[object]:
    """Mostly of the declared type; sometimes undefined or of another type, as outside data is."""
    if type_.name == "list":
        own: st.SearchStrategy[object] = st.lists(_VALUES[type_.item], max_size=4)
    else:
        own = _VALUES[type_.name]
    return st.one_of(own, own, st.none(), st.one_of(list(_VALUES.values())))


worlds: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {name: _value(type_) for name, type_ in SCOPE.items()}
)
