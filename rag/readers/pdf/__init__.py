"""The parts of reading a PDF: words, lines and columns, headings, running lines, structure."""
