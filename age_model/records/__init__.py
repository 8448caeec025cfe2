"""From picture files to records, and from records to text, JSON lines or CSV.

Imports the predictor and what is below it.
"""
