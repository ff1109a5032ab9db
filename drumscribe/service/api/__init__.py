"""The HTTP API: one application over the rooms' routes, with one way to say what went wrong."""
