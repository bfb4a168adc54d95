"""The page as one self-contained document, and the policy that lets a browser run nothing else in it."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastcore.router.exchange import Call, Fields, Reply
from fastcore.router.parameters import Text, entity_tag, matches

__all__ = ["HTML", "NONE_MATCH", "Page"]

HTML = "text/html; charset=utf-8"
NONE_MATCH = Text("If-None-Match", "header", "tags that the client holds; 304 if one matches")

# in the order in which the page runs them: each uses only what stands before it
SCRIPTS = ("dom.js", "json.js", "service.js", "state.js", "conditions.js", "rules.js", "editor.js", "main.js")


def _read(name: str) -> str:
    return files("fastcore.router.playground").joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Page:
    """Answers with the page; it is put together once and holds nothing of the service."""

    body: bytes
    tag: str
    headers: Fields

    @classmethod
    def load(cls) -> "Page":
        """The page from the files of the package."""
        style, script = _read("style.css"), "\n".join(_read(name) for name in SCRIPTS)
        text = _read("page.html").replace("/* style */", style).replace("/* script */", script)
        body = text.encode()
        tag = entity_tag(hashlib.sha256(body).hexdigest()[:32])
        headers = (
            (b"etag", tag.encode()),
            (b"cache-control", b"no-cache"),
            (b"content-security-policy", _policy(style, script).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        )
        return cls(body, tag, headers)

    def handle(self, call: Call) -> Reply:
        if matches(NONE_MATCH.read(call) or "", self.tag, weak=True):
            return Reply(b"", 304, headers=self.headers)
        return Reply(self.body, media_type=HTML, headers=self.headers)


def _policy(style: str, script: str) -> str:
    """Its own style and script run, requests go to its own origin, and nothing else is loaded or framed."""
    rules = (
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(style)}'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
