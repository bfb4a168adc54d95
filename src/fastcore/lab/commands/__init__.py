"""The commands of ``fastcore bench``: options and their checks. What they need is imported when they run."""
