"""A file for each page of the app."""
