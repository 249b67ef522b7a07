"""The one expression language: metrics made of metrics, and conditions over several of them. Pure.

Its meaning is PromQL's wherever the two share an expression. What differs: metrics are named ``source.metric``, there
is a ``not``, functions take their window as an argument (``rate(prod.visits, 5m)``), an undefined result is no value,
and a result that is empty says whether that is known or only for want of data.

Lexer, parser and evaluation are written here. What was weighed: the bindings of a Rust parser for PromQL know no
dotted names, no ``not`` and no evaluation; CEL knows no series (and in Python takes half a second to import, or 100 µs
to evaluate); a grammar for lark would replace the parser only, the smaller half, and say less about what is wrong.
"""
