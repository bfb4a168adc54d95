"""The suites: pytest-benchmark files that need nothing but fastcore and pytest-benchmark."""
