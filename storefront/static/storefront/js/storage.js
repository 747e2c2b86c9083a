// localStorage and sessionStorage as JSON, with memory to fall back on: a browser may refuse both (private windows,
// blocked site data, full quota), and the shop should still sell.

class Store {
  #area;
  #memory = new Map();

  constructor(areaName) {
    try {
      this.#area = window[areaName];
    } catch {
      this.#area = null;
    }
  }

  get(name) {
    if (this.#memory.has(name)) return this.#memory.get(name);
    try {
      return JSON.parse(this.#area.getItem(`shop.${name}`));
    } catch {
      return null;
    }
  }

  /** Whether the browser refused to keep it, so that the next page will not have it. */
  isLostWithThePage(name) {
    return this.#memory.has(name);
  }

  set(name, value) {
    try {
      this.#area.setItem(`shop.${name}`, JSON.stringify(value));
      this.#memory.delete(name);
    } catch {
      this.#memory.set(name, value);
    }
  }

  remove(name) {
    this.#memory.delete(name);
    try {
      this.#area.removeItem(`shop.${name}`);
    } catch {
      // It was only in memory.
    }
  }
}

/** Kept between visits: cart, language, order tokens. */
export const lasting = new Store("localStorage");
/** Kept for this tab: the checkout under way and its idempotency key. */
export const tab = new Store("sessionStorage");
