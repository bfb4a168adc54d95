"""A service that decides on payments: rules, synthetic events, and the router under ``/fastcore``."""
