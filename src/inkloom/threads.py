"""How threads wait for each other."""

import os

SPIN_COUNT = "1000"
"""Turns a thread of GNU OpenMP spins before it sleeps. Its default is 300,000 or more: where another process wants a
core, threads burn their time slices waiting for one that is not running, and an LSTM's training step takes 4 s instead
of 15 ms. With 1,000 it takes 50 ms there, and as long as before where the cores are free (docs/decisions/0002)."""


def share_cores() -> None:
    """Keep this process fast where others run beside it. Has an effect only before PyTorch is imported.

    What the user set for OpenMP stays as it is.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
