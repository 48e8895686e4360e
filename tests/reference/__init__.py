"""A second implementation of the flows in plain NumPy (float64), written from the papers.

The rest of the tests compare the package with it. It favours plainness over speed: small
inputs only. Names ending in `_encode` go from data to latent, in `_decode` from latent to data;
both return `(value, log_det)` with one log-determinant for each example of the batch.
"""
