"""What cannot be made again is kept in a second place, and brought back on purpose to see that it can be."""
