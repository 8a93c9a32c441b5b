"""The uncertain swaps of a spun text, put before a causal language model that has read the article so far (``--deep``).

``places`` finds what to ask, ``ask`` puts it from left to right and goes by ``choice`` at once, ``answers`` thinks it over with
what the re-ranker knows, ``llama`` is the model. All but ``llama`` is plain logic.
"""
