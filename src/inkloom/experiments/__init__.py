"""ANSWERS: reports that people read, each one self-contained HTML page."""
