"""What stands before the page's server: routes, fields, connections, visitors, disk, headers.

`middleware` puts them together; `gradio_patches` replaces the parts of Gradio that need it.
Imports `private_log` and `uploads` of the page, and nothing else of it.
"""
