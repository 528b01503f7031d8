"""Periodic work beside the training steps, one kind a file."""
