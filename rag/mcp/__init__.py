"""The library for other programs, by the Model Context Protocol: quotes with their places."""
