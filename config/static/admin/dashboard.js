/* The dashboard: tiles that come when they are counted, their age, keys, and the chart one point at a time. */
(() => {
  "use strict";
  const page = document.getElementById("ff-dashboard");
  if (!page) return;
  const tileNamed = (name) => page.querySelector(`[data-tile="${name}"]`);

  // Tiles. One answer brings them all, a line each, as they are done.

  async function bring(names) {
    const missing = new Set(names);
    try {
      const answer = await fetch(`${page.dataset.tiles}&tiles=${names.join(",")}`, { headers: { Accept: "application/x-ndjson" } });
      if (!answer.ok || answer.redirected) throw new Error(`answered ${answer.status}`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (text + value).split("\n");
        text = lines.pop();
        for (const line of lines) {
          const { name, html } = JSON.parse(line);
          put(name, html);
          missing.delete(name);
        }
      }
    } catch (error) {
      console.warn("footfall: tiles did not come", error);
    }
    missing.forEach(fail);
  }

  function put(name, html) {
    const held = tileNamed(name);
    if (!held) return;
    const made = document.createElement("template");
    made.innerHTML = html;
    const focused = held.contains(document.activeElement) ? document.activeElement : null;
    const isOpen = held.querySelector("details")?.open;
    held.replaceWith(made.content);
    const tile = tileNamed(name);
    ready(tile);
    if (isOpen) tile.querySelector("details")?.setAttribute("open", "");
    if (focused) focusAgain(tile, focused);
  }

  /* Whoever works by keyboard stays where they were: on the same link, or, if it is gone, on the tile. */
  function focusAgain(tile, was) {
    const does = (each) => each.getAttribute("href") || each.getAttribute("popovertarget");
    const isSame = (each) => each.className === was.className && does(each) === does(was);
    const found = [...tile.querySelectorAll(was.localName)].find(isSame);
    if (!found) tile.tabIndex = -1;
    (found || tile).focus({ preventScroll: true });
  }

  function fail(name) {
    const held = tileNamed(name);
    if (!held) return;
    const age = held.querySelector("[data-at]");
    const problem = document.createElement("p");
    problem.className = "ff-small ff-stale";
    problem.setAttribute("role", "alert");
    problem.append(age ? "This is what was known: newer figures did not come. " : "This did not come. ", again(name));
    const waiting = held.querySelector(".ff-waiting");
    const isFocused = held.contains(document.activeElement);
    held.querySelector(".ff-stale[role]")?.remove();
    if (waiting) waiting.removeAttribute("aria-busy");
    held.querySelector(".ff-waiting .ff-empty")?.remove();
    (waiting || held).append(problem);
    if (isFocused) problem.querySelector("button").focus();
  }

  function again(name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ff-plain";
    button.dataset.again = name;
    button.textContent = "Try again";
    return button;
  }

  // Ages.

  function showAges() {
    for (const age of page.querySelectorAll("[data-at]")) {
      const seconds = Math.max(Math.round((Date.now() - Date.parse(age.dataset.at)) / 1000), 0);
      age.title ||= age.textContent;
      age.textContent = seconds < 10 ? "just counted" : seconds < 120 ? `${seconds} s old` : `${Math.round(seconds / 60)} min old`;
    }
  }

  // The chart, by pointer, touch and arrow keys.

  // What a row of the table says: `Tue 10 Mar: 320. Tue 3 Mar: 300, ▲ +6.7 % up.`
  function said(row) {
    const [label, value, otherLabel, other, change] = [...row.cells].map((cell) => cell.textContent);
    if (!otherLabel) return `${label}: ${value}.`;
    return `${label}: ${value}. ${otherLabel}: ${other}${change && ", "}${change}.`;
  }

  function ready(tile) {
    showAges();
    const cursor = tile?.querySelector(".ff-cursor");
    if (!cursor) return;
    const points = [...tile.querySelectorAll(".ff-days tbody tr")].reverse();
    const [hair, bubble] = cursor.children;
    let at = points.length - 1;
    cursor.setAttribute("aria-valuetext", said(points[at]));

    function show(number) {
      at = Math.min(Math.max(number, 0), points.length - 1);
      const left = points.length > 1 ? (100 * at) / (points.length - 1) : 50;
      cursor.setAttribute("aria-valuenow", at + 1);
      cursor.setAttribute("aria-valuetext", said(points[at]));
      hair.hidden = bubble.hidden = false;
      hair.style.left = `${left}%`;
      bubble.textContent = said(points[at]);
      bubble.style[left < 50 ? "left" : "right"] = `${left < 50 ? left : 100 - left}%`;
      bubble.style[left < 50 ? "right" : "left"] = "auto";
    }

    const hide = () => { hair.hidden = bubble.hidden = true; };
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -Infinity, End: Infinity };
    cursor.addEventListener("keydown", (event) => {
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      show(at + steps[event.key]);
    });
    const note = () => {
      const form = page.querySelector(".ff-annotate");
      if (!form) return;
      form.open = true;
      form.querySelector("[name=day]").value = points[at].cells[0].dataset.day;
      form.querySelector("[name=text]").focus();
    };
    cursor.addEventListener("dblclick", note);
    cursor.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); note(); } });
    cursor.addEventListener("pointermove", (event) => {
      const box = cursor.getBoundingClientRect();
      show(Math.round(((event.clientX - box.left) / box.width) * (points.length - 1)));
    });
    cursor.addEventListener("focus", () => show(at));
    cursor.addEventListener("pointerleave", hide);
    cursor.addEventListener("blur", hide);
  }

  // Keys.

  const OFF = "footfall-keys-off";
  const box = document.getElementById("ff-keys-on");
  box.checked = localStorage.getItem(OFF) === null;
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));

  const others = {
    "?": () => document.getElementById("ff-keys").togglePopover(),
    "/": () => document.querySelector("#nav-sidebar input, aside input, input[type=search]")?.focus(),
    l: () => document.querySelector("a[href$='/admin/live/']")?.click(),
  };

  /* Escape closes what is open, wherever the focus is in it, before it clears the filters. */
  function closeMenu() {
    const menu = page.querySelector(".ff-menu[open]");
    if (!menu) return false;
    menu.open = false;
    menu.querySelector("summary").focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (document.querySelector(":popover-open") && event.key === "Escape") return;
    if (event.key === "Escape" && closeMenu()) return;
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    const scrolling = event.key.startsWith("Arrow") && event.target.closest?.(".ff-scroll");
    if (typing || scrolling || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (!box.checked && event.key !== "?") return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = others[key] || clicks(key);
    if (!act) return;
    event.preventDefault();
    act();
  });

  function clicks(key) {
    const wanted = page.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!wanted) return undefined;
    return () => {
      wanted.click();
      wanted.parentElement.querySelector("input[type=date]")?.focus();
    };
  }

  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-again], [data-print]");
    if (button?.dataset.again) bring([button.dataset.again]);
    if (button && "print" in button.dataset) window.print();
  });

  page.querySelectorAll("[data-tile]").forEach(ready);
  const wanted = [...page.querySelectorAll("[data-wanted]")].map((tile) => tile.dataset.tile);
  if (wanted.length) bring(wanted);
  setInterval(showAges, 10_000);
})();
