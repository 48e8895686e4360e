"""`AveragedCopy`: a second model with the averaged weights, so that none are ever swapped."""

import tfflows


class AveragedCopy:
    """The model that is validated, drawn from and saved as the best one.

    Its trainable weights are the optimizer's moving averages of the trained model's, with moments
    of batch normalizations of their own; or the trained model's if the optimizer keeps no averages.

    Args:
      flow: the model in training, compiled.
      make: returns another such model.
      batches: training batches to take moments from, the same ones each time.
    """

    def __init__(self, flow, make, batches):
        self.flow = flow
        self.model = make()
        self._batches = batches

    def update(self):
        """Copies the present averages, and returns the model."""
        optimizer, model = self.flow.optimizer, self.model
        _assign(model.non_trainable_weights, self.flow.non_trainable_weights)
        if optimizer.use_ema and optimizer.iterations.numpy() > 0:
            # Keras' own way to hand out the averages takes any variables of the same order.
            optimizer.finalize_variable_values(model.trainable_variables)
            tfflows.update_moments(model, self._batches)
        else:
            _assign(model.trainable_weights, self.flow.trainable_weights)
        return model


def _assign(targets, sources):
    for target, source in zip(targets, sources, strict=True):
        target.assign(source)
