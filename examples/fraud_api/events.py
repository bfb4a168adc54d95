"""Synthetic payments to try the fraud rules on. NOT REAL DATA: nobody's customers, cards or payments.

Events come from a seeded generator: the same seed gives the same events on every machine, and the first
thousand are the same however many are asked for. Every event says ``"synthetic": true``, and in ``pattern``
what it was made to look like: "ordinary", or one of PATTERNS. Shares and amounts are invented: they show
which rules fire and how they add up, and nothing about how much fraud the rules would find.

    python -m examples.fraud_api.events --count 100000 --seed 7 > events.ndjson
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["PATTERNS", "generate"]

Event = dict[str, Any]

START = datetime(2026, 1, 1, tzinfo=UTC)
FRAUD_SHARE = 0.06
COUNTRIES = ("DE", "FR", "NL", "AT", "ES", "IT", "SE", "PL")
UTC_OFFSETS = {"DE": 60, "FR": 60, "NL": 60, "AT": 60, "ES": 60, "IT": 60, "SE": 60, "PL": 60}
# identifier, category, merchant category code, typical amount in EUR, share of online payments
MERCHANTS = (
    ("mer_grocer", "groceries", "5411", 34, 0.1),
    ("mer_transit", "transport", "4111", 18, 0.6),
    ("mer_power", "utilities", "4900", 85, 1.0),
    ("mer_cafe", "restaurants", "5814", 11, 0.0),
    ("mer_fashion", "clothing", "5651", 70, 0.7),
    ("mer_books", "books", "5942", 24, 0.8),
    ("mer_stream", "subscriptions", "4899", 13, 1.0),
    ("mer_phones", "electronics", "5732", 240, 0.7),
    ("mer_kicks", "sneakers", "5661", 130, 0.8),
    ("mer_inn", "hotel", "7011", 160, 0.6),
    ("mer_wheels", "car_rental", "7512", 190, 0.5),
    ("mer_cards", "gift_cards", "5947", 40, 0.9),
    ("mer_coins", "crypto", "6051", 120, 1.0),
    ("mer_bets", "gambling", "7995", 35, 1.0),
)
EMAIL_DOMAINS = ("example.com", "example.org", "example.net", "mail.example")


def generate(count: int, *, seed: int = 0, fraud_share: float = FRAUD_SHARE) -> Iterator[Event]:
    """So many synthetic payments, in order of time.

    Parameters:
        count: how many.
        seed: of the generator; another seed gives other events.
        fraud_share: of events that follow one of PATTERNS, from 0 to 1.
    """
    source = random.Random(seed)
    names = sorted(PATTERNS)
    when = START
    for number in range(count):
        when += timedelta(seconds=int(source.expovariate(1 / 20)))
        event = _ordinary(source, number, when)
        if source.random() < fraud_share:
            name = source.choice(names)
            event["pattern"] = name
            for path, value in PATTERNS[name].items():
                _put(event, path, _drawn(value, source, event))
        yield event


def _ordinary(source: random.Random, number: int, when: datetime) -> Event:
    """A payment as most are: a customer of some age, near home, with a known card on a known device."""
    kind = _weighted(source, {"purchase": 82, "transfer": 11, "withdrawal": 4, "refund": 3})
    home = source.choice(COUNTRIES)
    merchant, category, mcc, typical, online_share = source.choice(MERCHANTS)
    online = source.random() < online_share
    age_days = int(source.expovariate(1 / 900)) + 1
    amount = round(max(0.5, typical * source.lognormvariate(0, 0.45)), 2)
    if kind == "transfer":
        amount = round(source.lognormvariate(5.2, 0.9), 2)
    elif kind == "withdrawal":
        amount = float(source.choice((20, 50, 50, 100, 100, 200)))
    average = round(amount * source.uniform(0.4, 1.8), 2)
    channel = {"purchase": "ecommerce" if online else "pos", "withdrawal": "atm", "refund": "ecommerce"}.get(
        kind, "app"
    )
    token = f"tok_{source.randrange(10**9):09d}"
    event: Event = {
        "synthetic": True,
        "pattern": "ordinary",
        "id": f"pay_{number:07d}",
        "time": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local_hour": (when.hour + 1) % 24,
        "kind": kind,
        "channel": channel,
        "amount_eur": amount,
        "recurring": category in ("subscriptions", "utilities") and source.random() < 0.8,
        "screening": {"result": "none", "similarity": round(source.uniform(0.0, 0.6), 2)},
        "customer": _customer(source, home, age_days, average),
        "account": _account(source, age_days),
        "card": _card(source, token, home, channel, age_days),
        "device": _device(source, age_days),
        "network": _network(source, home),
        "merchant": {
            "id": merchant,
            "category": category,
            "mcc": mcc,
            "country": home,
            "age_days": source.randrange(200, 5000),
            "chargeback_rate": round(source.uniform(0.0, 0.006), 4),
            "payments_30d": source.randrange(100, 50_000),
            "cards_same_bin_10m": source.randrange(4),
            "payments_by_customer": source.randrange(12),
            "last_amount_eur": amount,
        },
    }
    if kind == "transfer":
        event["payee"] = _payee(source, home)
    if kind == "refund":
        event["refund"] = {"original_amount_eur": amount, "original_card_token": token}
    if channel == "ecommerce":
        event["shipping"] = _shipping(source, home, age_days)
        event["basket"] = _basket(source, category, amount)
    if channel in ("ecommerce", "app"):
        event["session"] = {
            "seconds": source.randrange(25, 900),
            "card_number_pasted": source.random() < 0.05,
            "call_in_progress": source.random() < 0.01,
        }
    return event


def _customer(source: random.Random, home: str, age_days: int, average: float) -> Event:
    travelling = source.random() < 0.02
    return {
        "id": f"cus_{source.randrange(10**6):06d}",
        "country": home,
        "age_days": age_days,
        "vip": age_days > 700 and source.random() < 0.1,
        "business": source.random() < 0.08,
        "vulnerable": source.random() < 0.01,
        "kyc": "full" if source.random() < 0.95 else "basic",
        "email_domain": source.choice(EMAIL_DOMAINS),
        "email_age_days": age_days + source.randrange(2000),
        "payments_total": age_days // 6,
        "avg_amount_90d": average,
        "max_amount_12m": round(average * source.uniform(2, 9), 2),
        "purchases_90d": source.randrange(25),
        "refunds_90d": source.randrange(2),
        "chargebacks_12m": int(source.random() < 0.01),
        "disputes_open": int(source.random() < 0.005),
        "not_received_claims_6m": int(source.random() < 0.02),
        "cards_added_24h": int(source.random() < 0.02),
        "quasi_cash_payments_12m": source.randrange(4),
        "travel_notice": travelling,
        "travel_country": "JP" if travelling else None,
    }


def _account(source: random.Random, age_days: int) -> Event:
    def hours_since_change() -> int:
        return source.randrange(80, 20_000)

    return {
        "age_days": age_days,
        "balance_before": round(source.lognormvariate(7.6, 0.8), 2),
        "hours_since_password_change": hours_since_change(),
        "hours_since_email_change": hours_since_change(),
        "hours_since_phone_change": hours_since_change(),
        "hours_since_address_change": hours_since_change(),
        "hours_since_sim_change": hours_since_change(),
        "hours_since_mfa_reset": hours_since_change(),
        "failed_logins_1h": int(source.random() < 0.03),
        "days_since_last_payment": source.randrange(40),
        "incoming_24h_amount": round(source.uniform(0, 300), 2),
        "incoming_24h_senders": source.randrange(2),
    }


def _card(source: random.Random, token: str, home: str, channel: str, age_days: int) -> Event:
    at_hand = channel in ("pos", "atm")
    authenticated = not at_hand and source.random() < 0.7
    return {
        "token": token,
        "country": home,
        "funding": _weighted(source, {"debit": 60, "credit": 37, "prepaid": 3}),
        "present": at_hand,
        "chip": True,
        "entry_mode": source.choice(("chip", "contactless")) if at_hand else "keyed",
        "pin_verified": at_hand and source.random() < 0.6,
        "age_days": source.randrange(age_days + 1),
        "expires_in_days": source.randrange(5, 1500),
        "cvv_result": "not_provided" if at_hand or source.random() < 0.4 else "match",
        "avs_result": "not_checked" if at_hand else "match",
        "three_ds": "authenticated" if authenticated else "none",
        "liability_shift": authenticated,
        "holder_matches_customer": source.random() < 0.97,
        "payments_10m": 1,
        "payments_1h": source.randrange(1, 3),
        "small_payments_1h": source.randrange(2),
        "declines_1h": int(source.random() < 0.03),
        "cvv_failures_24h": int(source.random() < 0.03),
        "amount_24h": round(source.uniform(0, 200), 2),
        "smallest_payment_24h": round(source.uniform(4, 60), 2),
        "merchants_1h": source.randrange(1, 3),
        "countries_24h": 1,
        "foreign_uses_12m": source.randrange(6),
        "exempt_payments_in_a_row": source.randrange(4),
    }


def _device(source: random.Random, age_days: int) -> Event:
    return {
        "id": f"dev_{source.randrange(10**6):06d}",
        "age_days": source.randrange(age_days + 1),
        "emulator": False,
        "rooted": source.random() < 0.01,
        "remote_access": False,
        "accounts_7d": 1,
        "cards_24h": 1,
        "utc_offset_minutes": 60,
    }


def _network(source: random.Random, home: str) -> Event:
    return {
        "ip_country": home,
        "type": _weighted(source, {"residential": 55, "mobile": 40, "campus": 5}),
        "tor": False,
        "proxy": False,
        "vpn": source.random() < 0.04,
        "hosting": source.random() < 0.005,
        "accounts_24h": source.randrange(1, 4),
        "distance_km": source.randrange(60),
        "minutes_since_last": source.randrange(20, 5000),
        "utc_offset_minutes": UTC_OFFSETS[home],
    }


def _payee(source: random.Random, home: str) -> Event:
    new = source.random() < 0.15
    return {
        "country": home,
        "new": new,
        "age_days": source.randrange(60, 4000),
        "name_check": "match" if source.random() < 0.9 else "close_match",
        "payments_12m": 0 if new else source.randrange(1, 14),
        "transfers_7d": source.randrange(2),
        "payers_24h": source.randrange(1, 3),
    }


def _shipping(source: random.Random, home: str, age_days: int) -> Event:
    return {
        "country": home,
        "method": "express" if source.random() < 0.15 else "standard",
        "address_age_days": source.randrange(age_days + 1),
        "distance_to_billing_km": source.randrange(15),
        "freight_forwarder": False,
        "signature_required": source.random() < 0.3,
    }


def _basket(source: random.Random, category: str, amount: float) -> Event:
    gift_cards = category == "gift_cards"
    return {
        "gift_card_amount": amount if gift_cards else 0,
        "gift_card_count": source.randrange(1, 3) if gift_cards else 0,
        "gift_wrapped": source.random() < 0.04,
        "max_quantity": 1 if source.random() < 0.9 else 2,
        "discount_share": 0.1 if source.random() < 0.1 else 0,
        "points_share": 0,
        "points_value_eur": 0,
    }


# What a pattern changes of an ordinary payment: a range or a list is drawn from, a pair is an interval, a
# function is given the event, anything else is the value itself.
PATTERNS: dict[str, dict[str, Any]] = {
    "sanctioned party": {
        "kind": "transfer",
        "screening.result": ["exact", "possible"],
        "screening.similarity": (0.86, 1.0),
    },
    "embargoed destination": {
        "kind": "transfer",
        "payee.country": ["CU", "IR", "KP", "SY"],
        "amount_eur": (200, 4000),
    },
    "card from a breach": {
        "channel": "ecommerce",
        "card.token": ["tok_breach_0001", "tok_breach_0002", "tok_breach_0003"],
        "card.avs_result": "no_match",
        "card.expires_in_days": range(30),
        "customer.age_days": range(7),
        "amount_eur": (210, 800),
    },
    "known bad device": {"device.id": ["dev_bad_01", "dev_bad_02"], "device.accounts_7d": range(2, 9)},
    "stolen card online": {
        "kind": "purchase",
        "channel": "ecommerce",
        "recurring": False,
        "amount_eur": (280, 1900),
        "customer.age_days": range(3),
        "customer.business": False,
        "customer.payments_total": 0,
        "card.cvv_result": ["no_match", "match"],
        "card.cvv_failures_24h": range(5),
        "card.three_ds": ["none", "none", "failed"],
        "card.holder_matches_customer": False,
        "card.age_days": 0,
        "network.vpn": True,
        "network.ip_country": ["VN", "US", "MM"],
        "shipping.freight_forwarder": [True, False],
        "shipping.method": "express",
        "shipping.country": ["US", "GB"],
        "shipping.address_age_days": 0,
        "shipping.distance_to_billing_km": range(1000, 9000),
        "basket.max_quantity": range(1, 6),
        "merchant.category": ["electronics", "sneakers", "jewellery"],
        "basket.gift_wrapped": False,
    },
    "telephone order": {
        "kind": "purchase",
        "channel": "moto",
        "amount_eur": (600, 2500),
        "customer.payments_total": range(3),
        "merchant.age_days": range(60),
        "merchant.chargeback_rate": (0.005, 0.04),
        "merchant.payments_30d": range(150, 900),
    },
    "card testing": {
        "kind": "purchase",
        "channel": "ecommerce",
        "amount_eur": (0.5, 5),
        "card.small_payments_1h": range(3, 40),
        "card.payments_10m": range(3, 30),
        "card.declines_1h": range(12),
        "card.merchants_1h": range(1, 9),
        "merchant.cards_same_bin_10m": range(10, 60),
        "network.hosting": True,
        "device.cards_24h": range(1, 12),
    },
    "probe and spend": {
        "kind": "purchase",
        "channel": "ecommerce",
        "card.smallest_payment_24h": (0.5, 2),
        "card.age_days": range(3),
        "card.amount_24h": (1500, 3000),
        "amount_eur": (300, 1800),
    },
    "limit dodging": {
        "kind": "purchase",
        "channel": "ecommerce",
        "amount_eur": (20, 30),
        "card.exempt_payments_in_a_row": range(3, 12),
        "card.three_ds": "none",
        "customer.cards_added_24h": range(5),
    },
    "copied stripe": {
        "kind": "withdrawal",
        "channel": "atm",
        "card.entry_mode": "magstripe",
        "card.present": True,
        "merchant.country": ["PH", "ID", "US"],
        "card.foreign_uses_12m": 0,
        "card.countries_24h": range(1, 5),
        "amount_eur": (200, 500),
    },
    "impossible journey": {
        "network.distance_km": range(900, 9000),
        "network.minutes_since_last": range(60),
        "network.ip_country": ["MM", "HT", "YE", "BR"],
        "device.utc_offset_minutes": [-300, 390, 480],
    },
    "behind Tor": {"channel": "ecommerce", "network.tor": True, "customer.email_domain": "mailinator.com"},
    "account taken over": {
        "kind": "transfer",
        "channel": "app",
        "account.hours_since_password_change": range(30),
        "account.hours_since_email_change": range(60),
        "account.hours_since_sim_change": range(96),
        "account.hours_since_mfa_reset": range(16),
        "account.failed_logins_1h": range(9),
        "device.age_days": 0,
        "device.rooted": [True, False],
        "payee.new": True,
        "payee.name_check": ["match", "no_match"],
        "payee.payments_12m": 0,
        "account.balance_before": (1200, 6000),
        "amount_eur": lambda event, source: round(
            event["account"]["balance_before"] * source.uniform(0.7, 1), 2
        ),
    },
    "shop account taken over": {
        "kind": "purchase",
        "channel": "ecommerce",
        "account.hours_since_address_change": range(80),
        "account.hours_since_phone_change": range(60),
        "account.days_since_last_payment": range(100, 500),
        "device.age_days": 0,
        "shipping.method": "express",
        "basket.points_share": (0.8, 1),
        "basket.points_value_eur": (80, 400),
        "amount_eur": (250, 900),
    },
    "false bank employee": {
        "kind": "transfer",
        "channel": "app",
        "device.remote_access": [True, True, False],
        "session.call_in_progress": True,
        "customer.vulnerable": [True, False],
        "payee.new": True,
        "payee.name_check": ["match", "no_match"],
        "payee.payments_12m": 0,
        "amount_eur": lambda event, source: 500 * source.randrange(1, 12),
    },
    "investment scam": {
        "kind": "purchase",
        "channel": "ecommerce",
        "merchant.mcc": ["6051", "4829", "6540"],
        "merchant.category": "crypto",
        "customer.quasi_cash_payments_12m": 0,
        "card.age_days": range(20),
        "amount_eur": (900, 5000),
    },
    "mule account": {
        "kind": ["transfer", "transfer", "withdrawal"],
        "account.age_days": range(5, 120),
        "account.incoming_24h_senders": range(3, 12),
        "account.incoming_24h_amount": (1000, 5000),
        "customer.kyc": ["basic", "none", "full"],
        "payee.payers_24h": range(5, 20),
        "payee.age_days": range(40),
        "amount_eur": lambda event, source: round(
            event["account"]["incoming_24h_amount"] * source.uniform(0.8, 1), 2
        ),
    },
    "structuring": {
        "kind": "transfer",
        "channel": "app",
        "amount_eur": (8900, 10_000),
        "payee.transfers_7d": range(1, 6),
        "payee.new": False,
        "account.balance_before": (20_000, 90_000),
    },
    "gift cards": {
        "kind": "purchase",
        "channel": "ecommerce",
        "merchant.category": "gift_cards",
        "basket.gift_card_amount": (150, 600),
        "basket.gift_card_count": range(2, 12),
        "customer.age_days": range(120),
        "customer.email_age_days": range(6),
        "amount_eur": lambda event, source: event["basket"]["gift_card_amount"],
    },
    "night at the casino": {
        "kind": "purchase",
        "channel": "ecommerce",
        "merchant.mcc": "7995",
        "merchant.category": "gambling",
        "local_hour": range(6),
        "card.payments_1h": range(2, 9),
        "customer.age_days": range(60),
        "amount_eur": (40, 300),
    },
    "robot": {
        "kind": "purchase",
        "channel": ["ecommerce", "app"],
        "device.emulator": [True, False],
        "device.accounts_7d": range(1, 9),
        "network.accounts_24h": range(3, 40),
        "network.type": "residential",
        "session.seconds": range(2, 12),
        "session.card_number_pasted": True,
        "customer.age_days": 0,
        "customer.payments_total": 0,
        "basket.discount_share": (0.3, 0.8),
    },
    "refund at the till": {
        "kind": "refund",
        "channel": "pos",
        "refund.original_amount_eur": (20, 150),
        "refund.original_card_token": "tok_accomplice",
        "amount_eur": (60, 400),
    },
    "refund without purchase": {
        "kind": "refund",
        "channel": "pos",
        "refund": {},
        "amount_eur": (60, 400),
        "customer.purchases_90d": range(4, 20),
        "customer.refunds_90d": range(2, 16),
    },
    "serial complainer": {
        "kind": "purchase",
        "channel": "ecommerce",
        "customer.chargebacks_12m": range(1, 5),
        "customer.disputes_open": range(3),
        "customer.not_received_claims_6m": range(1, 7),
        "shipping.signature_required": False,
        "amount_eur": (100, 700),
    },
    "worn-out card": {
        "card.expires_in_days": range(-40, 3),
        "card.funding": "prepaid",
        "merchant.category": "car_rental",
    },
    "announced journey": {
        "channel": "ecommerce",
        "customer.travel_notice": True,
        "customer.travel_country": "JP",
        "network.ip_country": "JP",
        "network.distance_km": 9000,
        "network.minutes_since_last": range(900, 4000),
    },
}


def _drawn(value: Any, source: random.Random, event: Event) -> Any:
    if isinstance(value, range | list):
        return source.choice(value)
    if isinstance(value, tuple):
        return round(source.uniform(*value), 2)
    if callable(value):
        return value(event, source)
    return dict(value) if isinstance(value, dict) else value


def _put(event: Event, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        event = event.setdefault(name, {})
    event[last] = value


def _weighted(source: random.Random, weights: dict[str, int]) -> str:
    return source.choices(list(weights), list(weights.values()))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write synthetic payments, one JSON object per line.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fraud-share", type=float, default=FRAUD_SHARE)
    given = parser.parse_args()
    for event in generate(given.count, seed=given.seed, fraud_share=given.fraud_share):
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
