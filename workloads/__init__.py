"""The jobs of road B: data, training, compression, evaluation, serving, drift. Knows nothing of the infrastructure under it."""
