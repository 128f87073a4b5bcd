"""What can be wrong with how the SDK was set up? The one error that it raises."""


class ConfigError(ValueError):
    """An option that cannot be used. Raised by the constructor of `Emitter` alone."""
