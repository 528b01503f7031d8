"""Models compared on one text: what is trained for it, how sure the differences are, and the report that says so."""
