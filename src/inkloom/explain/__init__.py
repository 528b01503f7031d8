"""PICTURES: what a trained model does inside, as arrays that a figure can show."""
