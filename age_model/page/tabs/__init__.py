"""One module for each tab of the page: its components, its events, its endpoint."""
