"""The laboratory behind ``fastcore bench``: interpreters and backends compared on the reader's own machine.

What measures runs in processes of their own, in an environment for each interpreter; what they found are
documents of JSON (``results``), which reports and comparisons read.
"""
