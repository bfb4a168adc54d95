"""Every benchmark runs on both backends; what the files record says what was measured."""

pytest_plugins = ["fastcore.lab.plugin"]
