"""The same rules elsewhere: what `falaj policy build` writes, one file per output."""
