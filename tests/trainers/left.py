"""What a run has left in its workdir: the arrays of a model's file, the history."""

import json
import zipfile

import h5py


def arrays(path):
    """Returns every array of a .keras file by name, the optimizer's too."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file:
        with h5py.File(file) as weights:
            weights.visititems(visit)
    return found


def rows(workdir):
    """Returns the history without its times."""
    history = json.loads((workdir / "history.json").read_text())
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]
