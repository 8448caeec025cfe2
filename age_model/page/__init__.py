"""The Gradio page. The only room that imports gradio; only `app.py` imports it.

`tabs/` has one module for each tab, `templates/` the HTML, `static/` the style and scripts.
"""

# Before anything here imports Gradio, which reads on its import where uploads go: whoever imports a
# module of this room imports this line first.
from age_model.page import uploads  # noqa: F401
