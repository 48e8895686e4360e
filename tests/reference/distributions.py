"""Log-densities of the priors of NICE (arXiv 1410.8516) and RealNVP, and bits per dimension."""

import math

import numpy as np


def per_example(values):
    """Sums everything but the first axis."""
    return np.array([example.sum() for example in values])


def standard_normal_log_prob(z):
    """log N(z; 0, I), one number for each example."""
    return per_example(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi))


def standard_logistic_log_prob(z):
    """Sum over the event of -log(1 + exp(z)) - log(1 + exp(-z)), one number for each example."""
    return per_example(-np.logaddexp(0.0, z) - np.logaddexp(0.0, -z))


def gaussian_log_prob(z, mean, log_sigma):
    """log N(z; mean, diag(exp(log_sigma))^2), one number for each example."""
    density = np.exp(-0.5 * ((z - mean) / np.exp(log_sigma)) ** 2) / np.exp(log_sigma)
    return per_example(np.log(density / math.sqrt(2.0 * math.pi)))


PRIORS = {"normal": standard_normal_log_prob, "logistic": standard_logistic_log_prob}


def bits_per_dim(log_prob, dimensions):
    """Nats of a density on the pixel scale [0, bins) to bits for each of its dimensions."""
    return -np.asarray(log_prob) / (dimensions * math.log(2.0))
