"""Cleaning: pure steps over rows; each row is kept, changed with a note, or put aside with a reason, and the counts add up."""
