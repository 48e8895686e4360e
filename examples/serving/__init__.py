"""A server's files for an exported flow, and clients: README.md goes from one to the other.

The clients import neither tfflows nor each other: copy one of them with client.py and inputs.py.
"""
