// The page: what is chosen, what is decided, what is wrong.

const LARGE_RULES = 500;
const LARGE_TEXT = 500_000;
const MOST_EXAMPLES = 300;

const page = { ruleset: null, run: 0, stop: null, outcome: null };
const editor = new Editor(() => {
  remembered.drafts[page.ruleset.name] = editor.text;
  remember();
});
const ruleList = new RuleList({ explain: explainRule, actions: ruleActions, opened: noteOpened });

// -- what is wrong --------------------------------------------------------------------------------------------

function clearProblems() {
  byId("problems").hidden = true;
  byId("problems-list").replaceChildren();
  for (const field of [byId("event"), byId("editor")]) field.removeAttribute("aria-invalid");
}

/** Shows problems: each `message` with the `path` it stands at, and `jump`, which leads there. */
function showProblems(problems) {
  const items = problems.map(({ path, message, jump }) => {
    const place = path && (jump ? button(path, jump, { class: "path", title: "Go there" }) : make("code", null, path));
    return make("li", null, ...(place ? [place, " "] : []), message);
  });
  byId("problems-list").replaceChildren(...items);
  byId("problems").hidden = problems.length === 0;
  bringIntoView(byId("problems"));
  byId("status").textContent = count(problems.length, "problem.", "problems.");
}

/** The problem that text of a field is not JSON. */
function syntaxProblem(field, name, error) {
  field.setAttribute("aria-invalid", "true");
  const end = Math.min(error.position + 1, field.value.length);
  const jump = () => showRange(field, Math.min(error.position, end - 1), end);
  return { path: `${name}, ${placeOf(field.value, error.position)}`, message: error.message, jump };
}

/** The problems that an answer of the service tells of. */
function serviceProblems(error) {
  if (error.errors === undefined || error.errors.length === 0) return [{ path: "", message: error.message }];
  return error.errors.map(({ path, message, offset }) => ({ path, message, jump: jumpTo(error.code, path, offset) }));
}

/** What leads to the place of an error of this code, if that is on the page. */
function jumpTo(code, path, offset) {
  if (code === "invalid-ruleset" && editor.active) {
    byId("editor").setAttribute("aria-invalid", "true");
    return () => showRange(editor.field, ...editor.locate(path));
  }
  if (code === "invalid-event" || code === "evaluation-failed") {
    const field = byId("event");
    field.setAttribute("aria-invalid", "true");
    return () => showRange(field, ...eventRange(field.value, path, offset));
  }
  return undefined;
}

function eventRange(text, path, offset) {
  if (offset !== undefined) {
    // the service counts bytes
    const start = new TextDecoder().decode(new TextEncoder().encode(text).slice(0, offset)).length;
    return [start, start + 1];
  }
  const node = nodeAt(parseJson(text), path);
  return [node.start, node.end];
}

function report(error) {
  if (error.name === "AbortError") return;
  showProblems(serviceProblems(error));
}

/** Scrolls to a section of which nothing can be seen; the focus stays where somebody types. */
function bringIntoView(section) {
  const { top, bottom } = section.getBoundingClientRect();
  if (bottom < 0 || top > innerHeight - 40) section.scrollIntoView({ block: "start" });
}

// -- rulesets -------------------------------------------------------------------------------------------------

async function loadListing() {
  const select = byId("ruleset");
  const { rulesets } = await service.listing();
  const chosen = readAddress().ruleset || remembered.ruleset;
  select.replaceChildren(...rulesets.map(({ name }) => option(name, name)));
  if (rulesets.length === 0) {
    select.replaceChildren(option("", "none is loaded"));
    byId("status").textContent = "The service has no ruleset.";
    return;
  }
  const known = rulesets.some(({ name }) => name === chosen);
  if (chosen && !known) select.prepend(option(chosen, `${chosen} (not loaded)`));
  select.value = chosen || rulesets[0].name;
  await chooseRuleset(select.value);
}

async function chooseRuleset(name) {
  page.run += 1;
  page.stop?.abort();
  const run = page.run;
  page.ruleset = null;
  setBusy(false);
  clearProblems();
  editor.close();
  ruleList.setRules([]);
  const text = await service.ruleset(name);
  if (run !== page.run) return;
  showRuleset(text);
}

/** Shows what the service says of a ruleset. */
function showRuleset(text) {
  const told = JSON.parse(text);
  const document = { source: text, root: childOf(parseJson(text), "document"), value: told.document };
  page.ruleset = { name: told.name, document, rules: rulesOf(document) };
  remembered.ruleset = told.name;
  if (readAddress().ruleset !== told.name) writeAddress({ ruleset: told.name, rule: "", example: "" });
  const fields = Object.keys(told.fields).length;
  byId("ruleset-about").textContent =
    `Version ${told.version}, ${count(told.rules, "rule", "rules")}, which read ${count(fields, "field", "fields")} of an event.`;
  showRejected(told.rejected);
  showExamples();
  restoreEvent();
  const draft = remembered.drafts[told.name];
  if (draft === undefined) editor.close();
  else editor.openWhole(draft);
  forgetOutcome();
  byId("status").textContent = "No event has been decided yet.";
  if (readAddress().rule) ruleList.reveal(readAddress().rule);
  remember();
}

function showRejected(rejected) {
  const notice = byId("ruleset-notice");
  notice.hidden = rejected === null;
  if (rejected === null) return;
  const errors = rejected.errors.map(({ path, message }) => make("li", null, make("code", null, path), ` ${message}`));
  const what = `The file ${rejected.file} has changed and is not valid; what it held before is still used.`;
  notice.replaceChildren(make("p", null, what), make("ul", null, ...errors));
}

/** The rules of a document in the order of evaluation, with what the list needs of them.
 *
 * A document is a text, `source`, with the node of it that stands for the document, `root`, and its `value`. */
function rulesOf({ source, root, value }) {
  const nodes = childOf(root, "rules").items;
  const rules = value.rules.map((rule, index) => ({
    id: rule.id,
    score: rule.score ?? 0,
    action: rule.action ?? null,
    description: rule.description ?? "",
    priority: rule.priority ?? 0,
    examples: rule.examples ?? [],
    index,
    search: [rule.id, rule.description, ...(rule.tags ?? [])].join("\n").toLowerCase(),
    when: () => tidyJson(source, childOf(nodes[index], "when")),
  }));
  return rules.sort((one, other) => other.priority - one.priority);
}

function forgetOutcome() {
  page.outcome = null;
  byId("decision").hidden = true;
  ruleList.setRules(page.ruleset.rules);
}

// -- the event ------------------------------------------------------------------------------------------------

function showExamples() {
  const own = page.ruleset.document.value.examples ?? [];
  const groups = [
    ["of the ruleset", own.map((example, index) => [`examples[${index}]`, example.description])],
    ["of rules", page.ruleset.rules.flatMap(ruleExamples)],
  ];
  const made = groups
    .map(([label, examples]) => make("optgroup", { label }, ...examples.slice(0, MOST_EXAMPLES).map(([path, text]) => option(path, shorten(text || path, 90)))))
    .filter((group) => group.childElementCount > 0);
  byId("example").replaceChildren(option("", made.length ? "choose one, or write below" : "the ruleset has none"), ...made);
}

function ruleExamples(rule) {
  return rule.examples.map(({ fires, description }, index) => [
    `rules[${rule.index}].examples[${index}]`,
    `${rule.id} ${fires ? "fires" : "does not fire"}${description ? `: ${description}` : ""}`,
  ]);
}

function restoreEvent() {
  const { name } = page.ruleset;
  const example = readAddress().example;
  if (example && [...byId("example").options].some(({ value }) => value === example)) {
    byId("example").value = example;
    useExample(example);
  } else {
    byId("event").value = remembered.events[name] ?? "{}";
  }
}

function useExample(path) {
  const { source, root } = page.ruleset.document;
  const node = childOf(nodeAt(root, path), "event");
  if (node === undefined) return;
  byId("event").value = tidyJson(source, node);
  byId("event").removeAttribute("aria-invalid");
  writeAddress({ example: path });
  noteEvent();
}

function noteEvent() {
  if (page.ruleset !== null) remembered.events[page.ruleset.name] = byId("event").value;
  remember();
}

/** Whether the texts of these fields are JSON; shows it where one is not. */
function checked(fields) {
  const problems = [];
  for (const [field, name] of fields) {
    try {
      parseJson(field.value);
    } catch (error) {
      problems.push(syntaxProblem(field, name, error));
    }
  }
  if (problems.length > 0) showProblems(problems);
  return problems.length === 0;
}

// -- deciding -------------------------------------------------------------------------------------------------

async function decide() {
  if (page.ruleset === null) return;
  clearProblems();
  const fields = [[byId("event"), "event"]];
  if (editor.active) fields.push([byId("editor"), "copy"]);
  if (!checked(fields)) return;
  page.run += 1;
  page.stop?.abort();
  page.stop = new AbortController();
  const run = page.run;
  const document = editor.active ? readDocument(editor.text) : page.ruleset.document;
  const subject = { edited: editor.active, document, event: byId("event").value, signal: page.stop.signal };
  setBusy(true);
  try {
    const answer = await (subject.edited ? attempt(subject) : consult(subject));
    if (run === page.run) showOutcome(subject, answer);
  } catch (error) {
    if (run === page.run) {
      if (page.outcome !== null) forgetOutcome();
      report(error);
    }
  } finally {
    if (run === page.run) setBusy(false);
  }
}

function setBusy(busy) {
  for (const name of ["decide", "try"]) byId(name).setAttribute("aria-disabled", String(busy));
  if (busy) byId("status").textContent = "Deciding…";
}

/** A copy as a document; its text is known to be JSON. */
function readDocument(text) {
  return { source: text, root: parseJson(text), value: JSON.parse(text) };
}

/** Of a large ruleset, rules are explained one by one when they are opened. */
function isLarge({ root }) {
  return root.end - root.start > LARGE_TEXT || (childOf(root, "rules")?.items?.length ?? 0) > LARGE_RULES;
}

async function consult({ document, event, signal }) {
  const { name } = page.ruleset;
  const explaining = isLarge(document) ? null : service.explain(name, event, undefined, signal);
  explaining?.catch(() => {}); // looked at below, if deciding does not fail first
  try {
    const decision = await service.evaluate(name, event, signal);
    return { decision, explanation: await explaining };
  } catch (error) {
    // a policy may refuse to decide: which condition is to blame is seen in the explanation
    if (error.code !== "evaluation-failed" || explaining === null) throw error;
    const explanation = await explaining;
    report(error);
    return { decision: null, explanation };
  }
}

async function attempt({ document, event, signal }) {
  return service.attempt(document.source, event, isLarge(document) ? [] : undefined, signal);
}

function showOutcome(subject, { decision, explanation }) {
  const rules = subject.edited ? rulesOf(subject.document) : page.ruleset.rules;
  const explained = new Map((explanation?.rules ?? []).map((rule) => [rule.rule, rule]));
  const matched = new Set(decision?.matched ?? (explanation?.rules ?? []).filter((rule) => rule.fired).map(({ rule }) => rule));
  page.outcome = { subject, matched, explained };
  ruleList.rules = rules;
  ruleList.setOutcome(page.outcome);
  showDecision(subject, decision, rules.length);
}

function showDecision(subject, decision, rules) {
  const panel = byId("decision");
  panel.hidden = decision === null;
  if (decision === null) return;
  const failed = decision.errors.some(({ code }) => ["event", "limit", "evaluation"].includes(code));
  const action = failed ? "no decision" : (decision.action ?? "none");
  const fired = `${decision.matched.length.toLocaleString("en")} of ${rules.toLocaleString("en")}`;
  const version = subject.edited ? "edited copy, not saved" : decision.version;
  const entries = [["Action", action], ["Score", String(decision.score)], ["Rules that fired", fired], ["Version", version]];
  const outcome = make("dl", { class: "outcome" }, ...entries.map(([term, text]) => make("div", null, make("dt", null, term), make("dd", null, text))));
  const errors = decision.errors.map((error) => make("li", null, error.rule ? [make("code", null, error.rule), ": "] : [], error.message));
  panel.replaceChildren(outcome, ...(errors.length ? [make("div", { class: "notice" }, make("p", null, "What went wrong:"), make("ul", null, ...errors))] : []));
  bringIntoView(byId("result"));
  byId("status").textContent = `Decided${subject.edited ? " by the edited copy" : ""}: action ${action}, score ${decision.score}, ${fired} rules fired.`;
}

/** The explanation of one rule for what was decided last. */
async function explainRule(id) {
  const { subject, explained } = page.outcome;
  if (!explained.has(id)) {
    const { event, document, signal } = subject;
    const answer = subject.edited
      ? (await service.attempt(document.source, event, [id], signal)).explanation
      : await service.explain(page.ruleset.name, event, id, signal);
    explained.set(id, answer.rules[0]);
  }
  return explained.get(id);
}

// -- rules ----------------------------------------------------------------------------------------------------

function ruleActions(rule) {
  const source = page.outcome?.subject.edited ? null : page.ruleset;
  const examples = source === null ? [] : ruleExamples(rule).map(([path], index) => {
    const word = rule.examples[index].fires ? "fires" : "does not fire";
    return button(`Use example: ${word}`, () => {
      useExample(path);
      byId("example").value = path;
      decide();
    });
  });
  return [button(`Edit ${shorten(rule.id, 40)}`, () => editRule(rule.id)), ...examples.slice(0, 20)];
}

function noteOpened(id, open) {
  if (open) writeAddress({ rule: id });
  else if (readAddress().rule === id) writeAddress({ rule: "" });
}

/** The copy as it is, or a fresh one of the ruleset; null while what is written is not JSON. */
function copyText() {
  if (!editor.active) return tidyJson(page.ruleset.document.source, page.ruleset.document.root);
  return checked([[byId("editor"), "copy"]]) ? editor.text : null;
}

function editRule(id) {
  const text = copyText();
  if (text === null) return;
  editor.openRule(text, id);
  byId("editor").focus();
}

function editDocument() {
  if (page.ruleset === null) return;
  const text = copyText();
  if (text === null) return;
  editor.openWhole(text);
  byId("editor").focus();
}

function discard() {
  editor.close();
  delete remembered.drafts[page.ruleset.name];
  remember();
  clearProblems();
  forgetOutcome();
  byId("status").textContent = "The copy is discarded.";
  byId("edit-document").focus();
}

// -- the page -------------------------------------------------------------------------------------------------

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  remembered.theme = theme;
  remember();
}

function tidied(field, name, tidy) {
  clearProblems();
  if (checked([[field, name]])) tidy();
}

function listen() {
  byId("theme").addEventListener("change", () => setTheme(byId("theme").value));
  byId("ruleset").addEventListener("change", () => {
    writeAddress({ ruleset: byId("ruleset").value, rule: "", example: "" });
    chooseRuleset(byId("ruleset").value).catch(report);
  });
  byId("reload").addEventListener("click", () => loadListing().catch(report));
  byId("example").addEventListener("change", () => useExample(byId("example").value));
  byId("event").addEventListener("input", () => {
    byId("event").removeAttribute("aria-invalid");
    byId("example").value = "";
    if (readAddress().example) writeAddress({ example: "" });
    noteEvent();
  });
  byId("decide").addEventListener("click", decide);
  byId("try").addEventListener("click", decide);
  byId("edit-document").addEventListener("click", editDocument);
  byId("edit-whole").addEventListener("click", editDocument);
  byId("discard").addEventListener("click", discard);
  const event = byId("event");
  byId("tidy-event").addEventListener("click", () =>
    tidied(event, "event", () => {
      event.value = tidyJson(event.value, parseJson(event.value));
      noteEvent();
    }),
  );
  byId("tidy-document").addEventListener("click", () => tidied(byId("editor"), "copy", () => editor.tidy()));
  addEventListener("keydown", (press) => {
    if (press.key === "Enter" && (press.ctrlKey || press.metaKey) && press.target.matches("textarea")) {
      press.preventDefault();
      decide();
    }
  });
  // the part after # says what is looked at: a skip link must not take its place
  for (const link of document.querySelectorAll(".skip")) {
    link.addEventListener("click", (click) => {
      click.preventDefault();
      byId(link.hash.slice(1)).focus();
    });
  }
  addEventListener("hashchange", () => {
    if (readAddress().ruleset) loadListing().catch(report);
  });
}

byId("theme").value = remembered.theme;
setTheme(remembered.theme);
listen();
loadListing().catch(report);
