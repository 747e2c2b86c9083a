/* The Live page asks for its figures every ten seconds, unless it is paused or nobody looks at it. Only the parts that
   changed are replaced, so that whoever reads or tabs through one is left alone. */

const EVERY = 10_000;
const LONGEST = 60_000;
const PATIENCE = 15_000;

const page = document.getElementById("ff-live");
const figures = document.getElementById("ff-live-figures");
const state = document.getElementById("ff-live-state");
const button = document.getElementById("ff-live-pause");
const said = document.getElementById("ff-live-said");
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: page.dataset.zone });

let version = page.dataset.version;
let updatedAt = Date.now() - 1000 * page.dataset.age;
let failures = 0;
let failingSince = null;
let paused = false;
let ended = "";
let asking = false;
let timer;

/* What the server said of each part last: what it looks like here may differ, an opened table for one. */
const parts = new Map();
for (const part of figures.querySelectorAll("[data-part]")) parts.set(part.dataset.part, part.innerHTML);
let newestOrder = newest(ordersOf(figures));

function ordersOf(root) {
  return [...root.querySelectorAll("[data-order]")];
}

function newest(orders) {
  return orders.reduce((last, order) => (order.dataset.order > last ? order.dataset.order : last), "");
}

function wait() {
  clearTimeout(timer);
  if (paused || ended || document.visibilityState === "hidden") return;
  timer = setTimeout(ask, Math.min(EVERY * 2 ** failures, LONGEST));
}

async function ask() {
  clearTimeout(timer);
  if (asking || ended) return;
  asking = true;
  try {
    await take(await fetch(page.dataset.address, {
      cache: "no-store",
      credentials: "same-origin",
      headers: { "If-None-Match": version, "X-Poll": "1" }, /* a login does not live longer by it */
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE),
    }));
  } catch {
    failures += 1;
    failingSince ??= Date.now();
  }
  asking = false;
  tell();
  wait();
}

/* A redirect leads to the login: nobody else sends one here. */
async function take(answer) {
  if (answer.type === "opaqueredirect") return end("login");
  if (answer.status === 403) return end("forbidden");
  if (answer.status !== 200 && answer.status !== 304) throw new Error(answer.status);
  if (answer.status === 200) show(await answer.text());
  version = answer.headers.get("ETag") ?? "";
  updatedAt = Date.now() - 1000 * (answer.headers.get("Age") ?? 0);
  failures = 0;
  failingSince = null;
}

function end(how) {
  ended = how;
  button.hidden = true;
  document.getElementById("ff-live-login").hidden = how !== "login";
}

function show(text) {
  const answer = new DOMParser().parseFromString(text, "text/html");
  for (const part of answer.querySelectorAll("[data-part]")) {
    const name = part.dataset.part;
    if (parts.get(name) === part.innerHTML) continue;
    parts.set(name, part.innerHTML);
    replace(figures.querySelector(`[data-part="${name}"]`), part);
  }
  announce(ordersOf(figures).filter((order) => order.dataset.order > newestOrder));
}

/* Opened tables stay open and scrolled, and the keyboard stays where it was. */
function replace(old, part) {
  const open = old.querySelector("details")?.open;
  const scrolled = [...old.querySelectorAll(".ff-scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  const focused = old.contains(document.activeElement) ? selectorOf(document.activeElement) : null;
  old.replaceChildren(...part.childNodes);
  if (open) old.querySelector("details").open = true;
  old.querySelectorAll(".ff-scroll").forEach((box, place) => box.scrollTo(...(scrolled[place] ?? [0, 0])));
  if (focused) old.querySelector(focused)?.focus({ preventScroll: true });
}

function selectorOf(element) {
  const href = element.getAttribute("href");
  return href ? `[href="${CSS.escape(href)}"]` : element.className ? `.${element.classList[0]}` : element.localName;
}

function announce(orders) {
  if (!orders.length) return;
  for (const order of orders) order.classList.add("ff-fresh");
  newestOrder = newest(orders);
  said.textContent = orders.length === 1 ? `New order: ${orders[0].dataset.said}.` : `${orders.length} new orders.`;
}

function tell() {
  const text = words();
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("ff-failing", Boolean(failingSince));
}

function words() {
  if (ended) return ended === "login" ? "Not refreshed any more." : "You may not see these figures any more.";
  const seconds = Math.max(0, Math.round((Date.now() - updatedAt) / 1000));
  const updated = seconds < 120 ? `Updated ${seconds} s ago` : `Updated ${Math.floor(seconds / 60)} min ago`;
  if (paused) return `Paused. ${updated}`;
  if (!failingSince) return updated;
  return `Not reached since ${clock.format(failingSince)}; trying again. ${updated}`;
}

button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Go on" : "Pause";
  tell();
  if (paused) wait();
  else ask();
});

function look() {
  tell();
  if (paused || document.visibilityState === "hidden") wait();
  else ask();
}

document.addEventListener("visibilitychange", look);
window.addEventListener("pageshow", (event) => { if (event.persisted) look(); });
window.addEventListener("online", look);
setInterval(() => { if (document.visibilityState === "visible") tell(); }, 1000);
button.hidden = false;
tell();
wait();
