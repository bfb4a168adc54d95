"""Columns of values, whoever made them: where their memory is, and their values in Python.

``arrays`` reads numpy arrays, buffers and sequences; ``arrow`` reads what has the Arrow C data interface
(``arrow_interface``). Rules are matched and payloads are written from these.
"""
