"""The one error a user of this program sees."""


class RunError(ValueError):
    """A run directory that cannot be used; its message is one line that names the file and the remedy."""
