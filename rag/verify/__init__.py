"""ANSWER to CHECKED: each sentence against the passage it cites."""
