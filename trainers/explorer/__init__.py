"""A web page to look at a trained flow: `python -m trainers.explore`."""
