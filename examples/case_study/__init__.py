"""A fraud service before and after: 200 rules as Python functions or in other engines, and with fastcore."""
