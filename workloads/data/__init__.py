"""Where training data comes from, and what is checked before a row may be used."""
