"""Fuzzers: a stranger's bytes through the parser, the rules and a whole session.

`python -m fuzz.parser --seconds 60 --seed 1`, likewise `fuzz.decide` and `fuzz.session`; see run.py.
"""
