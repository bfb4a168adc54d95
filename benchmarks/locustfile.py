"""Load from many machines, by Locust: ``locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000``.

Users send at a rate of their own (``constant_throughput``), not as fast as they are answered, so that a slow
server does not slow its own load down. FASTCORE_PREFIX is where the router is, FASTCORE_RULESET which ruleset
decides. Answers of another status than 200, and answers that are no decisions, are failures.
"""

import json
import os

from locust import FastHttpUser, constant_throughput, task

from fastcore.lab.payments import EVENTS

PREFIX = os.environ.get("FASTCORE_PREFIX", "/fastcore")
RULESET = os.environ.get("FASTCORE_RULESET", "fraud")
BODIES = [json.dumps(event, separators=(",", ":")).encode() for event in EVENTS]


class Client(FastHttpUser):
    """Ten requests per second; weights are the mix of a service that mostly decides."""

    wait_time = constant_throughput(10)

    def on_start(self):
        self.sent = 0

    @task(8)
    def evaluate(self):
        body = BODIES[self.sent % len(BODIES)]
        self.sent += 1
        with self.client.post(
            f"{PREFIX}/rules/{RULESET}/evaluate",
            data=body,
            headers={"Content-Type": "application/json"},
            name="/rules/{name}/evaluate",
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}")
            elif "action" not in answer.json():
                answer.failure("no decision")

    @task(1)
    def fib(self):
        self.client.get(f"{PREFIX}/fib/35", name="/fib/{n}")

    @task(1)
    def payloads(self):
        self.client.get(f"{PREFIX}/payloads/100", name="/payloads/{count}")
