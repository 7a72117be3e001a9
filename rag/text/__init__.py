"""What is known of languages: sentences, words, facts, negations; used by many stages, knows none."""
