"""Features of prepared rows: written with the rows, kept in a Feast store, and the same there offline and online."""
