// The time left to pay. The clock on the screen ticks every second; it is spoken once a minute and when it ends.

import { announce, byId } from "./dom.js";
import { t } from "./i18n.js";

const display = byId("countdown");
const bar = byId("countdown-bar");
const DRIFT_MS = 1500;

let endsAt = null;
let wholeMs = 0;
let timer = null;
let spokenMinutes = null;
let whenOver = () => {};

/**
 * Shows `remainingSeconds` of a window of `durationMinutes`, both as the API says them: the shopper's own clock may be
 * wrong, so only seconds since the answer are counted. Called again with every answer; small differences do not make
 * the clock jump. `onEnd` runs once, when nothing is left.
 */
export function showTimeLeft({ remainingSeconds, durationMinutes }, onEnd) {
  const newEnd = performance.now() + remainingSeconds * 1000;
  if (endsAt === null || Math.abs(newEnd - endsAt) > DRIFT_MS) endsAt = newEnd;
  wholeMs = durationMinutes * 60_000;
  whenOver = onEnd;
  timer ??= setInterval(tick, 1000);
  tick();
}

export function stopCountdown() {
  clearInterval(timer);
  timer = endsAt = null;
}

function tick() {
  const leftMs = Math.max(endsAt - performance.now(), 0);
  const seconds = Math.round(leftMs / 1000);
  const minutes = Math.floor(seconds / 60);
  display.textContent = clock(minutes, seconds % 60);
  bar.value = Math.min(leftMs / wholeMs, 1);
  document.body.classList.toggle("hurry", minutes < 3);
  if (seconds === 0) end();
  else speak(Math.ceil(seconds / 60));
}

/** `12:05`, and `23:12:05` where hours are left. */
function clock(minutes, seconds) {
  const parts = minutes < 60 ? [minutes, seconds] : [Math.floor(minutes / 60), minutes % 60, seconds];
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}

/** More than an hour is spoken of once an hour. */
function speak(minutes) {
  const rounded = minutes > 60 ? Math.ceil(minutes / 60) * 60 : minutes;
  if (rounded === spokenMinutes) return;
  spokenMinutes = rounded;
  announce(minutes > 60 ? t("hoursLeft", { count: rounded / 60 }) : t("minutesLeft", { count: minutes }));
}

function end() {
  clearInterval(timer);
  timer = null;
  if (spokenMinutes === 0) return;
  spokenMinutes = 0;
  announce(t("timeOver"));
  whenOver();
}
