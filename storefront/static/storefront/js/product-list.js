// The list: search, category, and "Load more" by cursor. The search stands in the address, so that it can be shared.

import { listProducts } from "./api.js";
import { announce, byId, clearProblem, element, picture, showProblem, whileBusy } from "./dom.js";
import { money, t } from "./i18n.js";
import { productPath } from "./paths.js";
import { categories, fromSlug } from "./products.js";
import { explain } from "./refusals.js";
import { track } from "./tracking.js";

const list = byId("products");
const form = byId("filters");
const more = byId("load-more");
let filters = filtersFromAddress();
let next = null;
let asked = 0;

function filtersFromAddress() {
  const parameters = new URLSearchParams(location.search);
  return { search: parameters.get("search") ?? "", category: parameters.get("category") ?? "" };
}

async function load(cursor = null) {
  const question = ++asked;
  list.setAttribute("aria-busy", "true");
  try {
    const page = await listProducts({ ...filters, cursor });
    if (question !== asked) return; // a newer search was started meanwhile
    clearProblem();
    show(page, { append: cursor !== null });
  } catch (error) {
    if (question === asked) showProblem(explain(error), { actions: [{ label: t("tryAgain"), run: () => load(cursor) }] });
  } finally {
    if (question === asked) list.setAttribute("aria-busy", "false");
  }
}

function show({ items, next: following }, { append }) {
  const cards = items.map(card);
  if (append) list.append(...cards);
  else list.replaceChildren(...cards);
  next = following;
  more.hidden = next === null;
  const count = list.children.length;
  byId("result-count").textContent = resultText(count);
  byId("show-all").hidden = count > 0 || !filtered();
  // The keyboard goes on at the first new product, not at a button that may be gone.
  if (append) cards[0]?.querySelector("a").focus();
}

function resultText(count) {
  if (count > 0) return filtered() ? t(next ? "productsSoFar" : "productsFound", { count }) : "";
  if (filters.search) return t(filters.category ? "noProductsForHere" : "noProductsFor", { search: filters.search });
  return t(filters.category ? "noProducts" : "noProductsYet");
}

const filtered = () => Boolean(filters.search || filters.category);

function card(product) {
  const soldOut = product.available === 0;
  return element(
    "li", { class: "card" },
    element("div", { class: "card-picture" }, picture(product.thumbnail)),
    element("h2", { class: "card-name" }, element("a", { href: productPath(product.slug) }, product.name)),
    element("p", { class: "card-price" }, money(product.price, product.currency)),
    soldOut && element("p", { class: "card-note" }, t("soldOut")),
  );
}

/** One that has nothing for sale just now may still stand in the address: then it is offered by its slug. */
async function showCategories() {
  offerCategories([]);
  offerCategories(await categories());
}

function offerCategories(known) {
  const lost = filters.category && !known.some(({ slug }) => slug === filters.category);
  const offered = lost ? [...known, { slug: filters.category, name: fromSlug(filters.category) }] : known;
  const options = offered.map(({ slug, name }) => element("option", { value: slug }, name));
  form.category.replaceChildren(element("option", { value: "" }, t("allCategories")), ...options);
  form.category.value = filters.category;
}

function applyFilters() {
  const { search, category } = { search: form.search.value.trim(), category: form.category.value };
  if (search === filters.search && category === filters.category) return;
  if (search && search !== filters.search) track("search", { metadata: { query: search } });
  filters = { search, category };
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(filters)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.pushState(null, "", address);
  load();
}

function start() {
  filters = filtersFromAddress();
  form.search.value = filters.search;
  showCategories();
  load();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  applyFilters();
});
form.category.addEventListener("change", applyFilters);
form.search.addEventListener("search", applyFilters); // the little cross that empties the box
more.addEventListener("click", () => {
  announce(t("loading"));
  whileBusy(more, () => load(next));
});
window.addEventListener("popstate", start);
start();
