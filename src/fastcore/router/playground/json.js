// JSON with positions: where a path stands in a text, and texts tidied without a number being read, since a
// number of JavaScript would lose digits of a long one.

class JsonError extends Error {
  constructor(message, position) {
    super(message);
    this.position = position;
  }
}

const DEEPEST = 400;
const BLANK = /[ \t\r\n]*/y;
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

/** The value of a text as nodes: `kind`, `start`, `end`, and `items` or `members` with their `name`. */
function parseJson(text) {
  let at = 0;
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found?.[0];
  };
  const fail = (message) => {
    throw new JsonError(at >= text.length ? "the text ends too early" : message, at);
  };
  const separated = (close, one) => {
    at += 1;
    take(BLANK);
    for (let first = true; text[at] !== close; first = false) {
      if (!first) {
        if (text[at] !== ",") fail(`expected , or ${close}`);
        at += 1;
        take(BLANK);
      }
      one();
      take(BLANK);
    }
    at += 1;
  };
  const key = () => {
    const keyStart = at;
    const name = take(STRING);
    if (name === undefined) fail("expected a key in double quotes");
    const keyEnd = at;
    take(BLANK);
    if (text[at] !== ":") fail("expected a colon");
    at += 1;
    return { name: JSON.parse(name), keyStart, keyEnd };
  };
  const value = (depth) => {
    if (depth > DEEPEST) fail("nested too deep");
    take(BLANK);
    const node = { kind: "scalar", start: at, end: at };
    if (text[at] === "{") {
      node.kind = "object";
      node.members = [];
      separated("}", () => node.members.push({ ...key(), node: value(depth + 1) }));
    } else if (text[at] === "[") {
      node.kind = "array";
      node.items = [];
      separated("]", () => node.items.push(value(depth + 1)));
    } else if (take(text[at] === '"' ? STRING : SCALAR) === undefined) {
      fail("expected a value");
    }
    node.end = at;
    return node;
  };
  const root = value(0);
  take(BLANK);
  if (at < text.length) fail("expected the end");
  return root;
}

function childOf(node, name) {
  return node?.members?.findLast((member) => member.name === name)?.node;
}

/** The node at a path such as `rules[3].when.and[1]`, or the innermost one around it that exists. */
function nodeAt(node, path) {
  const index = /^\[([0-9]+)\]/.exec(path);
  if (index !== null) {
    const item = node.items?.[Number(index[1])];
    return item === undefined ? node : nodeAt(item, path.slice(index[0].length));
  }
  const rest = path.startsWith(".") ? path.slice(1) : path;
  // a key may have dots and brackets itself: the longest that fits is meant
  const fits = (node.members ?? []).filter(
    ({ name }) => rest === name || rest.startsWith(`${name}.`) || rest.startsWith(`${name}[`),
  );
  if (fits.length === 0) return node;
  const found = fits.reduce((best, member) => (member.name.length > best.name.length ? member : best));
  return nodeAt(found.node, rest.slice(found.name.length));
}

const DOCUMENT_KEYS = ["name", "version", "description", "missing", "lists", "decisions", "default_action", "rules", "examples"];
const RULE_KEYS = ["id", "description", "tags", "enabled", "priority", "score", "action", "valid_from", "valid_until", "when", "examples"];
const WIDTH = 64;

/** The members of an object, those of a document or rule in the order in which people write them. */
function orderedMembers(node) {
  const names = node.members.map((member) => member.name);
  const order = names.includes("when") ? RULE_KEYS : names.includes("rules") ? DOCUMENT_KEYS : null;
  if (order === null || names.some((name) => !order.includes(name))) return node.members;
  return node.members.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
}

/** The text of a node, indented; what fits on a line is kept on one. */
function tidyJson(text, node, indent = "") {
  const line = onOneLine(text, node, WIDTH - indent.length);
  if (line !== null) return line;
  const deeper = `${indent}  `;
  if (node.kind === "array") {
    const items = node.items.map((item) => deeper + tidyJson(text, item, deeper));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  const members = orderedMembers(node).map(
    (member) => `${deeper}${text.slice(member.keyStart, member.keyEnd)}: ${tidyJson(text, member.node, deeper)}`,
  );
  return `{\n${members.join(",\n")}\n${indent}}`;
}

/** The text of a node on one line, null if it needs more than `width`; scalars are never broken. */
function onOneLine(text, node, width) {
  if (node.kind === "scalar") return text.slice(node.start, node.end);
  // a text without its blanks is seldom less than half as long
  if (node.end - node.start > 4 * WIDTH) return null;
  const parts = [];
  let length = 2;
  for (const child of node.items ?? orderedMembers(node)) {
    const inner = onOneLine(text, child.node ?? child, width - length);
    if (inner === null) return null;
    parts.push(child.node === undefined ? inner : `${text.slice(child.keyStart, child.keyEnd)}: ${inner}`);
    length += parts.at(-1).length + 2;
    if (length > width + 2) return null;
  }
  return node.kind === "array" ? `[${parts.join(", ")}]` : `{${parts.join(", ")}}`;
}

/** A position as people count it. */
function placeOf(text, position) {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${lines.at(-1).length + 1}`;
}
