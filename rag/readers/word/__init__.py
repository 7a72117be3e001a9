"""The parts of a Word document: styles, numbering, text of paragraphs, the body."""
