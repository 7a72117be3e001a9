"""A library opened for use: its store, embedder and chat model, each loaded on first use."""
