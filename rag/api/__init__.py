"""The library over HTTP: OpenAI's API for any program that speaks it, and routes of its own."""
