"""What is raised when a user gave something other than was expected."""


class InputError(ValueError):
    """Says what was expected, what came, and what to do; a command shows it without a traceback."""
