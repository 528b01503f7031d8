"""LOSS: objectives, optimisers, budgets and the callbacks that keep a run. Imports nothing heavy until asked."""
