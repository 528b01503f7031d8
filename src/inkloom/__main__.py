"""`python -m inkloom` is the `inkloom` command."""

from inkloom.cli import main

main()
