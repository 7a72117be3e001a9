"""Work that goes on while the app is used."""
