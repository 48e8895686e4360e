"""What to copy: a server for an exported flow, and clients for it, in `serving`."""
