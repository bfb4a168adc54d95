// What survives a reload, in this tab only: events may be confidential, so nothing of them is in the address.

const STORE = `fastcore playground ${location.pathname}`;

const remembered = (() => {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORE));
    return { theme: "", ruleset: "", events: {}, drafts: {}, ...found };
  } catch {
    return { theme: "", ruleset: "", events: {}, drafts: {} };
  }
})();

function rememberNow() {
  for (const kept of [remembered, { ...remembered, drafts: {} }]) {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(kept));
      return;
    } catch {
      // no storage, or not enough of it for a large draft: then it lives as long as the page
    }
  }
}

const remember = delayed(rememberNow, 250);
addEventListener("pagehide", rememberNow);

/** The part of the address after #: `ruleset`, `rule`, `example`. */
function readAddress() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function writeAddress(changes) {
  const values = { ...readAddress(), ...changes };
  const kept = Object.entries(values).filter(([name, value]) => value && ["ruleset", "rule", "example"].includes(name));
  const text = new URLSearchParams(kept).toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
