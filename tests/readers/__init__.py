"""Makers of files for the readers' tests."""
