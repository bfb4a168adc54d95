// The edited copy: the whole document, or one rule of it between what stands before and after it.

class Editor {
  constructor(changed) {
    this.changed = changed;
    this.field = byId("editor");
    this.part = null;
    this.active = false;
    this.field.addEventListener("input", () => {
      this.field.removeAttribute("aria-invalid");
      this.changed();
    });
  }

  /** The copy as a whole, as it is written now. */
  get text() {
    if (this.part === null) return this.field.value;
    return this.part.before + this.field.value.replaceAll("\n", `\n${RULE_INDENT}`) + this.part.after;
  }

  /** Shows the whole document. */
  openWhole(text) {
    this.part = null;
    this.show("The document, as JSON", text);
  }

  /** Shows the rule of this id. */
  openRule(text, id) {
    const root = parseJson(text);
    const rules = childOf(root, "rules")?.items ?? [];
    const index = rules.findIndex((node) => textOf(text, childOf(node, "id")) === id);
    if (index < 0) {
      this.openWhole(text);
      return;
    }
    const { start, end } = rules[index];
    this.part = { before: text.slice(0, start), after: text.slice(end), index };
    this.show(`The rule ${id}, as JSON`, text.slice(start, end).replaceAll(`\n${RULE_INDENT}`, "\n"));
  }

  show(label, text) {
    this.active = true;
    byId("editor-section").hidden = false;
    byId("editor-label").textContent = label;
    byId("edit-whole").hidden = this.part === null;
    this.field.value = text;
    this.field.setSelectionRange(0, 0);
    this.field.scrollTop = 0;
    this.field.removeAttribute("aria-invalid");
  }

  close() {
    this.active = false;
    this.part = null;
    this.field.value = "";
    byId("editor-section").hidden = true;
  }

  /** What is shown, tidied; throws a JsonError. */
  tidy() {
    this.field.value = tidyJson(this.field.value, parseJson(this.field.value));
    this.changed();
  }

  /** The range in the field of a path of the document; shows the whole document where it must. */
  locate(path) {
    const prefix = this.part && `rules[${this.part.index}]`;
    const inside = this.part !== null && path.startsWith(prefix) && /^($|[.[])/.test(path.slice(prefix.length));
    if (this.part !== null && !inside) this.openWhole(this.text);
    const node = nodeAt(parseJson(this.field.value), inside ? path.slice(prefix.length) : path);
    return [node.start, node.end];
  }
}

const RULE_INDENT = "    ";

/** The text that a string node stands for. */
function textOf(text, node) {
  return node?.kind === "scalar" ? JSON.parse(text.slice(node.start, node.end)) : undefined;
}
