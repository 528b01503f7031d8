"""The frame of every page that inkloom writes, and figures that take its colours."""
