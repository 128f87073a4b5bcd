"""The mathematics of drift: has a stream of numbers changed, and how sure are we?

Knows floats, not agents. ``contract.py`` is what every detector takes and gives. Which one when:

- a number, 0/1, a category of its own law: ``csr.py``, ``binary.py``, ``categorical.py``;
- a number with a daily or weekly cycle: ``mondrian.py``; one that remembers the one before it: ``ar.py``;
- a bound that was promised ("errors at most 1 %", "p95 within 2 s"): ``bound.py``;
- the level of one week, for ever: ``pinned.py``;
- texts or embeddings: ``semantic.py``, with ``text_vectors.py``;
- one of river's detectors, as it is: ``river_adapter.py``.

Beside them: ``compare.py`` (A against B), ``budget.py`` (how strict), ``distances.py`` (for display),
``evaluate.py`` and ``synthetic.py`` (how good).
"""
