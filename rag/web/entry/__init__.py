"""What Streamlit runs, in a folder of its own: `pages/` beside it would be taken for pages to run alone."""
