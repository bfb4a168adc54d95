// The tree of conditions of one rule, as nested lists.

const WORDS = { true: "true", false: "false", unknown: "unknown" };
const SIGNS = { true: "✓", false: "✗", unknown: "?", none: "–" };
const MOST_PARTS = 200;

function mark(value, word) {
  return make("span", { class: `mark ${value}` }, make("span", { "aria-hidden": "true" }, `${SIGNS[value]} `), word);
}

/** The paths of the conditions that keep a rule from firing. */
function decisivePaths(rule) {
  const found = new Set();
  if (rule.fired || rule.condition === null) return found;
  const wanted = rule.condition.value;
  const reason = rule.condition.reason;
  const visit = (condition) => {
    const step = condition.parts[0]?.path.slice(condition.path.length) ?? "";
    const within = condition.parts.filter((part) => part.value === wanted && (wanted === "false" || part.reason === reason));
    const through = wanted === "unknown" ? within.length > 0 : /^\.(and|or)(\[|$)/.test(step);
    if (through) within.forEach(visit);
    else found.add(condition.path);
  };
  visit(rule.condition);
  return found;
}

function factText({ field, present, value }) {
  return present ? `${field} = ${shorten(JSON.stringify(value), 300)}` : `${field} is missing`;
}

function conditionItem(condition, decisive) {
  const own = decisive.has(condition.path);
  const badge = condition.value === "unknown" ? "undecided here" : "fails here";
  const leaf = condition.parts.length === 0;
  const facts = leaf ? condition.fields.map(factText) : [];
  const reason = condition.value === "unknown" && !facts.includes(condition.reason) ? condition.reason : "";
  const line = make(
    "div",
    { class: `condition ${condition.value}${own ? " decisive" : ""}` },
    mark(condition.value, WORDS[condition.value]),
    " ",
    make("code", null, condition.condition),
    own ? [" ", make("span", { class: "badge" }, badge)] : null,
    reason ? make("p", { class: "facts" }, reason) : null,
    facts.length > 0
      ? make("ul", { class: "facts", "aria-label": "fields read" }, ...facts.map((fact) => make("li", null, make("code", null, fact))))
      : null,
  );
  return make("li", null, line, leaf ? null : partsList(condition, decisive));
}

/** The parts of a condition; of very many the first, and a button for the others. */
function partsList(condition, decisive) {
  const list = make("ul");
  const add = (from, to) => list.append(...condition.parts.slice(from, to).map((part) => conditionItem(part, decisive)));
  add(0, MOST_PARTS);
  const rest = condition.parts.length - MOST_PARTS;
  if (rest > 0) {
    const more = button(`Show ${count(rest, "further condition", "further conditions")}`, () => {
      last.remove();
      add(MOST_PARTS);
    });
    const last = make("li", null, more);
    list.append(last);
  }
  return list;
}

function conditionTree(rule) {
  return make("ul", { class: "conditions", "aria-label": `conditions of ${rule.rule}` }, conditionItem(rule.condition, decisivePaths(rule)));
}
