"""Conversations and answers kept, and the receipts that make them again."""
