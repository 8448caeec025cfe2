"""The pictures of the tab "Accuracy": from a checkpoint's results to places in a plot.

`figures` and `photos` choose the numbers, `charts` places them, `explorer` puts parts of the test
faces together. Words stand in `templates/accuracy.html`.
"""
