// The few things that every page does with elements. Text is always set as text, never as HTML.

export const byId = (id) => document.getElementById(id);

/** An element: `element("a", { href: "/", class: "x" }, "text", otherElement)`. False and null are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value != null) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

/** Says a sentence to screen readers. The pause lets the same sentence be said twice. */
export function announce(sentence) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = sentence), 60);
}

/** A picture of a product. Next to its name it says nothing new, so its text is empty unless given. */
export function picture(thumbnail, { alt = "", size = 400 } = {}) {
  if (!thumbnail) return element("span", { class: "no-picture" });
  return element("img", { src: thumbnail, alt, width: size, height: size, decoding: "async" });
}

/**
 * Shows what happened and what to do next, in the page's #problem box, and moves the focus to it.
 * `actions` are links `{ label, href }` or buttons `{ label, run }`; false and null are left out.
 */
export function showProblem(message, { actions = [], focus = true, details = [] } = {}) {
  const box = byId("problem");
  const text = element("p", {}, message);
  const notice = element("div", { class: "notice", role: focus ? "group" : "alert", tabindex: "-1" }, text);
  if (details.length) notice.append(element("ul", {}, ...details.map((line) => element("li", {}, line))));
  const offered = actions.filter(Boolean);
  if (offered.length) notice.append(element("div", { class: "actions" }, ...offered.map(actionElement)));
  box.replaceChildren(notice);
  if (focus) notice.focus();
}

function actionElement({ label, href, run }) {
  if (href) return element("a", { class: "button", href }, label);
  const button = element("button", { class: "button", type: "button" }, label);
  button.addEventListener("click", () => whileBusy(button, run));
  return button;
}

export const clearProblem = () => byId("problem").replaceChildren();

/** Runs `work` while `button` is visibly busy. A second click meanwhile does nothing. */
export async function whileBusy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  // Not `disabled`: that would throw away the keyboard focus.
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
