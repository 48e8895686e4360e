"""Measures the flows against what their networks alone take, and against other libraries.

`python -m benchmarks.step` is for the time of one step, `benchmarks.memory` for its memory,
`benchmarks.startup` for what comes before the first one. docs/performance.md has results.
"""
