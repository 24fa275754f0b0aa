"""The seed from nothing: texts of Debian's archive, many tasks made from them as they are drawn, and the figures that the result is held to."""
