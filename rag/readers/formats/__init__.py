"""One module a file format; each offers a `FORMAT`."""
