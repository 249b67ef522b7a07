"""The expression language: metrics derived from metrics, and conditions over several of them. No I/O.

An expression that is also PromQL has the same value there. What differs: metrics are named ``source.metric``, there is
a ``not``, functions take their window as an argument (``rate(prod.visits, 5m)``), an undefined result is no value, and
an empty result says whether it is known to be empty, or whether a metric has no fresh samples.

Lexer, parser and evaluation are our own. The alternatives: the bindings of a Rust parser for PromQL have no dotted
names, no ``not`` and no evaluation; CEL has no series (and in Python takes half a second to import, or 100 µs to
evaluate); a grammar for lark would replace the parser only, which is the smaller half, with worse error messages.
"""
