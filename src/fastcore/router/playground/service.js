// Requests to the router, always relative to the page: it works below any prefix and root path.

/** An answer that is no success, as text for people: `errors` have a `path` and a `message`. */
class ServiceError extends Error {
  constructor(message, { status = 0, code = "", errors = [] } = {}) {
    super(message);
    this.status = status;
    this.code = code.replace("fastcore/", "");
    this.errors = errors;
  }
}

const TRIES = 4;
const HINTS = {
  401: "The service asks who you are. Sign in where it lets you, then try again.",
  403: "You may not do this.",
  404: "There is no such thing here any more.",
  429: "These are too many requests for the service. Try again later.",
  503: "The service is busy. Try again later.",
};

async function request(path, body, signal) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const method = body === undefined ? "GET" : "POST";
  try {
    return await fetch(path, { method, headers, body, signal, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(
      "There was no answer: the service cannot be reached, or sends this browser elsewhere, perhaps to sign in.",
    );
  }
}

/** The text of a successful answer; `busy` is tried again a few times, as the service asks for. */
async function ask(path, body, signal) {
  for (let left = TRIES; ; left -= 1) {
    const response = await request(path, body, signal);
    if (response.ok) return jsonText(response);
    const after = Number(response.headers.get("retry-after"));
    if (response.status !== 503 || left <= 1 || !(after > 0 && after <= 5)) throw await failure(response);
    await new Promise((resolve) => setTimeout(resolve, after * 1000));
    signal?.throwIfAborted();
  }
}

function jsonText(response) {
  if (/^application\/json\b/.test(response.headers.get("content-type") ?? "")) return response.text();
  throw new ServiceError("The answer is not JSON: perhaps the service sent this browser to a page to sign in.");
}

async function failure(response) {
  const status = response.status;
  const told = await response.json().catch(() => null);
  const detail = typeof told?.detail === "string" ? told.detail : "";
  const known = typeof told?.code === "string" && Array.isArray(told?.errors);
  const text = [HINTS[status], detail].filter(Boolean).join(" ") || response.statusText || "The service refused.";
  return new ServiceError(`${status}: ${shorten(text, 500)}`, known ? told : { status });
}

const rulesPath = (name, verb = "") => `rules/${encodeURIComponent(name)}${verb}`;

const service = {
  listing: async () => JSON.parse(await ask("rules")),
  ruleset: (name, signal) => ask(rulesPath(name), undefined, signal),
  evaluate: async (name, event, signal) => JSON.parse(await ask(rulesPath(name, "/evaluate"), event, signal)),
  explain: async (name, event, rule, signal) => {
    const query = rule === undefined ? "" : `?rule=${encodeURIComponent(rule)}`;
    return JSON.parse(await ask(rulesPath(name, `/explain${query}`), event, signal));
  },
  // document and event are texts that have been found to be JSON: they are sent as they were written
  attempt: async (document, event, rules, signal) => {
    const only = rules === undefined ? "" : `,"rules":${JSON.stringify(rules)}`;
    return JSON.parse(await ask("playground/try", `{"document":${document},"event":${event}${only}}`, signal));
  },
};
