"""The networks that can be trained, and how they start. Imports `console`."""
