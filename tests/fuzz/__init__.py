"""A campaign of hostile and of random input, in child processes: ``make fuzz FUZZ=20`` (minutes).

Each file of ``areas`` has a function ``attempt(random)`` that draws an input, gives it to the package, and compares what
comes back with an independent computation. A case is its area, the seed of the campaign and a number, so each can be
repeated alone: ``python -m tests.fuzz --case files:1:240``.
"""
