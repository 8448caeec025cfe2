"""The tabs of the page: the one part of this package that needs Gradio. Only app.py imports it."""
