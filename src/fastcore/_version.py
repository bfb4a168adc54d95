"""The version: read by the build, stamped into the extension, shown to users."""

__version__ = "0.1.0.dev0"
