"""Pictures made worse, and measurements on them: corruptions, pose, synthetic photos, false faces.

Imports `data`, `evaluation` and `console`.
"""
