"""A generator and a critic that learn from each other."""
