"""Steps of a token a row as machine code, made by Numba on the user's own machine (docs/decisions/0008).

Only `inkloom.models.compiling` imports from here, and not before it pays: Numba takes half a second to import.
"""
