"""The app's pages: a thin face over the library."""
