"""Starts the service and says what to try: ``python -m examples.fraud_api``; PORT=… changes the port."""

import os
import sys

HOST = "127.0.0.1"
EVENT = (
    '{"kind": "transfer", "amount_eur": 4890, "payee": {"new": true}, '
    '"account": {"hours_since_password_change": 1, "balance_before": 5000}, "device": {"age_days": 0}}'
)


def main() -> int:
    try:
        import uvicorn

        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn"):
            raise
        print(f'{error.name} is not installed: pip install "fastcore-kernels[server]"', file=sys.stderr)
        return 2
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
        print(f"PORT must be a number from 1 to 65535, not {text!r}", file=sys.stderr)
        return 2
    print(introduction(f"http://{HOST}:{text}"), flush=True)
    uvicorn.run(app, host=HOST, port=int(text), log_level="warning")
    return 0


def introduction(url: str) -> str:
    """The backend that serves, and three requests to try."""
    from fastcore import backend_info

    info = backend_info()
    return f"""\
backend: {info.name} ({info.reason}), {info.implementation} {info.interpreter.split()[0]}
serving: {url} (documentation: {url}/docs, playground: {url}/fastcore/playground)
try:
  curl {url}/fastcore/health
  curl {url}/fastcore/fib/90
  curl -X POST {url}/fastcore/rules/fraud/evaluate -H 'Content-Type: application/json' -d '{EVENT}'
"""


if __name__ == "__main__":
    raise SystemExit(main())
