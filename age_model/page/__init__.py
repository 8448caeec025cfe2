"""The Gradio page. The only room that imports gradio; only `app.py` imports it.

`tabs/` has one module a tab, `templates/` the HTML, `static/` the style and scripts.
"""
