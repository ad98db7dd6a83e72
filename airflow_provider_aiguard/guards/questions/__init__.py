"""One module a question; see :mod:`.base`."""
