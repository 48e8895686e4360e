"""How typical a datum is: log-densities compared with those of calibration data."""

import numpy as np
import tensorflow as tf

from tfflows.models.density import Density

# Order statistics that are kept of more data: 80 kB, and p-values in steps of a ten-thousandth.
_MOST = 10_000


class Calibration:
    """The log-densities of data that counts as typical.

    ```
    gap(x)     = |log p(x) - m|,    m the mean of log p over the calibration data
    p_value(x) = (1 + #{i: gap(x_i) >= gap(x)}) / (1 + n)
    ```

    A datum from the calibration data's distribution has a p-value below t with a probability of
    about t. Too high a density counts as much as one too low: a flow gives constant images, which
    are like none of its data, a higher density than its data.

    Args:
      log_probs: Log-densities `[n]` in nats, finite; of more than 10,000, as many order statistics
        in even steps are kept.
      mean: m, where `log_probs` are such order statistics; the mean of `log_probs` if None.

    Raises:
      ValueError: if there are fewer than two, or some are not finite.

    References: the typicality test (arXiv:1906.02994) for single data; p-values of conformal
    prediction (arXiv:0706.3188).
    """

    def __init__(self, log_probs, mean=None):
        values = np.sort(np.asarray(log_probs, np.float64).reshape(-1))
        if len(values) < 2 or not np.isfinite(values).all():
            bad = np.count_nonzero(~np.isfinite(values))
            raise ValueError(
                "Expected data to calibrate on of at least 2 examples, each of a finite "
                f"log-density. Received: {len(values)} examples, {bad} of them not finite"
            )
        self.mean = values.mean() if mean is None else mean
        if len(values) > _MOST:
            values = values[np.linspace(0, len(values) - 1, _MOST).round().astype(int)]
        self.log_probs = values

    def scores(self, log_prob):
        """Returns the gap and the p-value of each log-density of a tensor, in its dtype."""
        known = tf.constant(np.sort(np.abs(self.log_probs - self.mean)), log_prob.dtype)
        gap = tf.abs(log_prob - tf.constant(self.mean, log_prob.dtype))
        flat = tf.reshape(gap, [-1])
        below = tf.reshape(tf.searchsorted(known, flat, side="left"), tf.shape(gap))
        count = len(self.log_probs)
        p_value = tf.cast(1 + count - below, gap.dtype) / (1 + count)
        return gap, tf.where(tf.math.is_nan(gap), gap, p_value)


class Calibrated(Density):
    """What a `Flow` knows of the log-densities of typical data; saved with its weights.

    Attributes:
      calibration: a `Calibration`, or None before `calibrate`.
    """

    calibration = None

    def calibrate(self, x, **options):
        """Takes the log-densities of data as those of typical data, for `anomaly_score`.

        Training data will do; of data that was kept back the p-values are more exact, as a flow
        gives what it was trained on somewhat higher densities. Training on makes them stale.

        Args:
          x: As in `predict`: array or dataset.
          **options: Of `predict`, such as `batch_size`.

        Raises:
          ValueError: if there are fewer than two examples, or some have no finite log-density.
        """
        self.calibration = Calibration(self.predict(x, **{"verbose": 0, **options}))

    def anomaly_score(self, x, condition=None):
        """Returns how unlike the calibration data each datum is.

        Returns:
          Dict of tensors `batch`: `log_prob` in nats; `typicality_gap`, its distance in nats from
          the mean of the calibration data; `p_value`, the share of calibration data as far from it,
          in (0, 1], small for anomalies.

        Raises:
          ValueError: if the flow has not been calibrated, or as `log_prob`.
        """
        if self.calibration is None:
            raise ValueError("Expected a calibrated flow: calibrate(x). Received: calibration=None")
        log_prob = self.log_prob(x, condition)
        gap, p_value = self.calibration.scores(log_prob)
        return {"log_prob": log_prob, "typicality_gap": gap, "p_value": p_value}

    # Keras' files: an entry of its own, which models that were never calibrated do not have.

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.calibration is not None:
            mean, log_probs = self.calibration.mean, self.calibration.log_probs
            store[_ENTRY] = np.concatenate([[mean], log_probs])

    def load_own_variables(self, store):
        entries = {name: store[name] for name in store.keys()}
        kept = entries.pop(_ENTRY, None)
        super().load_own_variables(entries)
        if kept is not None:
            mean, *log_probs = np.asarray(kept)
            self.calibration = Calibration(log_probs, mean)


_ENTRY = "calibration"
