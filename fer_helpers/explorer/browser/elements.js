// Elements of the page. Text reaches it as text nodes and attributes only, whatever is in it.

/** An element; `on…` are listeners, other properties attributes, children text or elements. */
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const test = (name) => ({ "data-testid": `fer-${name}` });
const button = (words, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, words);
const shortened = (text) => text.slice(0, 80);
/** What is too long to stand in full scrolls, and so must be reachable by keyboard. */
const scrolling = (text, most) => (text.length > most || text.split("\n").length > 9 ? { tabindex: 0 } : {});
const facetName = (name) => name.replace(/^group_/, "");

/** A labelled select of [value, words]; values are JSON, so that numbers and null come back as such. */
function choice(words, name, options, chosen, onchange) {
  const select = el("select", { ...test(name), onchange: () => onchange(JSON.parse(select.value)) });
  for (const [value, text] of options) {
    const option = el("option", { value: JSON.stringify(value) }, text);
    option.selected = JSON.stringify(value) === JSON.stringify(chosen);
    select.append(option);
  }
  return el("label", {}, `${words} `, select);
}

function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 5000);
}
