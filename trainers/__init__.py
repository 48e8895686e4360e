"""Command-line programs that train the models, `python -m trainers.glow`, and their shared loop."""

from trainers import quiet

quiet.import_tensorflow()  # before anything else does
