"""Trains the Glow of normflows (PyTorch) a step at a time, for `benchmarks.step`.

Run by another Python, one with torch and normflows and nothing of ours. The argument is the
settings as JSON; each line "step" on stdin takes one training step, and its answer on stdout is
`{"seconds": ..., "value": loss}`. The first answer, before any step, is the versions.

Its networks are ours without the edge channel, actnorm and the learned scale of the output; there
is no learned prior of the halves that leave. Denormals are flushed, threads are as many as cores.
Tried on 2 cores, levels 3, depth 8, width 256, batch 32 of 32x32x3, the fastest steps of a few:
channels_last 0.50 s, contiguous 0.56 s; Adam fused or not made no difference that could be seen;
waiting passively (OMP_WAIT_POLICY) 0.76 s. torch.compile took 134 s for the first step, and later
steps were not seen to be faster. When other processes use the cores, PyTorch's threads lose much
more time waiting for each other than TensorFlow's: compare on a quiet machine (--max_others).
"""

import importlib.metadata
import json
import sys
import time

import normflows as nf
import torch

LEARNING_RATE = 1e-5
# The fastest of those tried; the argument may have others.
OPTIONS = {"channels_last": True, "fused": True, "compile": False}


def model(levels, depth, width, size, channels):
    """Returns a Glow as the project's own example builds it, with unconditional bases."""
    bases, merges, flows = [], [], []
    for index in range(levels):
        wide, small = channels * 2 ** (levels + 1 - index), size // 2 ** (levels - index)
        blocks = [
            nf.flows.GlowBlock(wide, width, split_mode="channel", scale=True, scale_map="sigmoid")
            for _ in range(depth)
        ]
        flows.append([*blocks, nf.flows.Squeeze()])
        if index > 0:
            merges.append(nf.flows.Merge())
            wide //= 2
        bases.append(nf.distributions.DiagGaussian((wide, small, small)))
    return nf.MultiscaleFlow(bases, flows, merges, class_cond=False)


class Training:
    """Training by maximum likelihood, on images dequantized and scaled as ours."""

    def __init__(self, options):
        torch.manual_seed(0)
        torch.set_flush_denormal(True)
        torch.set_num_threads(options["threads"])
        sizes = {n: options[n] for n in ("levels", "depth", "width", "size", "channels")}
        layout = torch.channels_last if options["channels_last"] else torch.contiguous_format
        self.format = {"memory_format": layout}
        self.flow = model(**sizes).to(**self.format)
        shape = (options["batch"], options["channels"], options["size"], options["size"])
        self.images = torch.randint(0, 256, shape, dtype=torch.uint8)
        with torch.no_grad():
            self.flow.log_prob(self._continuous(), None)  # starts the actnorms
        self.optimizer = torch.optim.Adam(
            self.flow.parameters(), lr=LEARNING_RATE, fused=options["fused"]
        )
        self.loss = self._loss
        if options["compile"]:
            self.loss = torch.compile(self._loss)

    def step(self):
        """Takes one step and returns its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self._continuous())
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def _loss(self, x):
        return -self.flow.log_prob(x, None).mean()

    def _continuous(self):
        noise = torch.rand(self.images.shape)
        return ((self.images + noise) / 256 - 0.5).contiguous(**self.format)


def answer(**values):
    """Writes one line of JSON."""
    print(json.dumps(values), flush=True)


def main():
    training = Training({**OPTIONS, **json.loads(sys.argv[1])})
    answer(**{name: importlib.metadata.version(name) for name in ("torch", "normflows")})
    for _ in iter(sys.stdin.readline, ""):
        start = time.perf_counter()
        value = training.step()
        answer(seconds=time.perf_counter() - start, value=value)


if __name__ == "__main__":
    main()
