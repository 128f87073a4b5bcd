"""The mathematics of drift: has a stream of numbers changed, and how sure are we?

Knows floats, not agents. ``contract.py`` is what every detector takes and gives; ``csr.py`` is the detector.
"""
