// The three steps of the checkout: one is open, those before it are folded, those after it wait.

import { byId } from "./dom.js";

const STEPS = ["address", "shipping", "review"];

export function showStep(name, { focus }) {
  STEPS.forEach((step, index) => {
    const place = index - STEPS.indexOf(name);
    byId(`step-${step}`).dataset.state = place < 0 ? "done" : place === 0 ? "open" : "waiting";
  });
  if (focus) byId(`step-${name}-title`).focus();
}

export const stepIsDone = (name) => byId(`step-${name}`).dataset.state === "done";

/** What a folded step says. */
export function setStepOutcome(name, text) {
  byId(`step-${name}-done`).textContent = text;
}

export function onChangeStep(open) {
  for (const step of STEPS) {
    byId(`step-${step}`).querySelector(".step-change")?.addEventListener("click", () => open(step));
  }
}
