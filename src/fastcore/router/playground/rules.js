// The list of rules: only what is shown is made, and a rule's conditions when it is opened.

const PAGE = 50;
const STATES = {
  fired: ["true", "fired"],
  not: ["none", "did not fire"],
  unknown: ["unknown", "undecided"],
  inactive: ["none", "not in force"],
};
const STATE_SIGNS = { fired: "✓", not: "✗", unknown: "?", inactive: "–" };

class RuleList {
  /** `explain(id)` promises a rule's explanation, `actions(rule)` gives the buttons below it. */
  constructor({ explain, actions, opened }) {
    this.explain = explain;
    this.actions = actions;
    this.opened = opened;
    this.rules = [];
    this.outcome = null;
    this.open = new Set();
    this.limit = PAGE;
    byId("filter").addEventListener("input", delayed(() => this.restart(), 120));
    byId("show").addEventListener("change", () => this.restart());
    byId("more").addEventListener("click", () => this.showMore());
  }

  /** Other rules, not decided on. */
  setRules(rules) {
    this.rules = rules;
    this.outcome = null;
    this.restart();
  }

  /** What happened to the rules: ids in `matched`, and in `explained` what is known so far, by id. */
  setOutcome(outcome) {
    this.outcome = outcome;
    this.render();
  }

  restart() {
    this.limit = PAGE;
    this.render();
  }

  showMore() {
    const first = this.limit;
    this.limit += PAGE;
    this.render();
    byId("rules").children[first]?.querySelector("summary").focus();
  }

  /** Opens a rule, whatever the filter says. */
  reveal(id) {
    byId("filter").value = "";
    byId("show").value = "";
    this.open.add(id);
    const position = this.chosen().findIndex((rule) => rule.id === id);
    this.limit = Math.max(PAGE, Math.ceil((position + 1) / PAGE) * PAGE);
    if (this.limit > 4 * PAGE) {
      byId("filter").value = id;
      this.limit = PAGE;
    }
    this.render();
    const item = [...byId("rules").children].find((each) => each.dataset.rule === id);
    item?.scrollIntoView({ block: "nearest" });
  }

  stateOf(rule) {
    if (this.outcome === null) return null;
    const explained = this.outcome.explained.get(rule.id);
    if (explained === undefined) return this.outcome.matched.has(rule.id) ? "fired" : "not";
    if (explained.condition === null) return "inactive";
    return explained.fired ? "fired" : explained.value === "unknown" ? "unknown" : "not";
  }

  /** The rules that the filter lets through, those that fired first. */
  chosen() {
    const text = byId("filter").value.trim().toLowerCase();
    const show = byId("show").value;
    const found = this.rules.filter((rule) => {
      const state = show === "" ? null : this.stateOf(rule);
      if (show !== "" && state !== show && !(show === "not" && state === "inactive")) return false;
      return text === "" || rule.search.includes(text);
    });
    if (this.outcome === null) return found;
    const fired = (rule) => this.stateOf(rule) === "fired";
    return [...found.filter(fired), ...found.filter((rule) => !fired(rule))];
  }

  render() {
    const found = this.chosen();
    const shown = found.slice(0, this.limit);
    byId("rules").replaceChildren(...shown.map((rule) => this.item(rule)));
    const all = count(this.rules.length, "rule", "rules");
    const part = found.length === this.rules.length ? all : `${found.length.toLocaleString("en")} of ${all}`;
    byId("rules-count").textContent = shown.length < found.length ? `${part}, the first ${shown.length} are shown` : part;
    byId("more").hidden = shown.length === found.length;
  }

  item(rule) {
    const body = make("div", { class: "body" });
    const details = make("details", { open: this.open.has(rule.id) }, this.summary(rule), body);
    details.addEventListener("toggle", () => {
      // one that is made open says so too
      if (details.open !== this.open.has(rule.id)) {
        if (details.open) this.open.add(rule.id);
        else this.open.delete(rule.id);
        this.opened(rule.id, details.open);
      }
      if (details.open && body.childElementCount === 0) this.fill(rule, details, body);
    });
    return make("li", { "data-rule": rule.id }, details);
  }

  summary(rule) {
    const state = this.stateOf(rule);
    const explained = this.outcome?.explained.get(rule.id);
    const facts = [`score ${rule.score}`, rule.action === null ? null : `action ${rule.action}`, rule.description];
    const status = state && make(
      "span",
      { class: `mark ${STATES[state][0]}` },
      make("span", { "aria-hidden": "true" }, `${STATE_SIGNS[state]} `),
      `${STATES[state][1]}: `,
    );
    return make(
      "summary",
      null,
      status,
      make("span", { class: "rule-name" }, rule.id),
      " ",
      make("span", { class: "rule-facts" }, shorten(facts.filter(Boolean).join(", "), 300)),
      explained && !explained.fired ? make("span", { class: "why" }, shorten(explained.why, 300)) : null,
    );
  }

  async fill(rule, details, body) {
    const outcome = this.outcome;
    const actions = make("p", { class: "actions" }, ...this.actions(rule));
    if (outcome === null) {
      body.replaceChildren(make("pre", { tabindex: "0", "aria-label": "condition as JSON" }, rule.when()), actions);
      return;
    }
    let content;
    body.replaceChildren(make("p", { class: "quiet" }, "Loading…"));
    try {
      const explained = await this.explain(rule.id);
      content = explained.condition === null ? make("p", null, explained.why) : conditionTree(explained);
      details.querySelector("summary").replaceWith(this.summary(rule));
    } catch (error) {
      content = make("p", { class: "notice" }, error.message);
    }
    if (outcome === this.outcome) body.replaceChildren(content, actions);
  }
}
