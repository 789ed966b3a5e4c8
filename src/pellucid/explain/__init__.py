"""Where a number comes from: derivations as data (`tree`), and their renderers (`render`)."""
