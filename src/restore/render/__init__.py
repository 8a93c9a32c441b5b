"""A ``Restoration`` as people and programs want it: each renderer is a function of the result and nothing else."""
