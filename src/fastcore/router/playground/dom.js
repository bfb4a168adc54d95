// Elements: made of plain values only, so that nothing that came over the wire is ever read as markup.

const byId = (id) => document.getElementById(id);

/** An element; `attributes` are set as such, `on…` are listeners, children are elements or text. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function button(label, action, attributes) {
  return make("button", { type: "button", onclick: action, ...attributes }, label);
}

function option(value, label) {
  return make("option", { value }, label);
}

/** Calls `action` once, when it has not been asked for during so many milliseconds. */
function delayed(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

/** Selects a range of a text field and scrolls to it. */
function showRange(field, start, end) {
  field.focus();
  field.setSelectionRange(start, end);
  const line = field.value.slice(0, start).split("\n").length - 1;
  const height = parseFloat(getComputedStyle(field).lineHeight);
  field.scrollTop = Math.max(0, line * height - field.clientHeight / 3);
  field.scrollLeft = 0;
  field.scrollIntoView({ block: "nearest" });
}

function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
