// One product: picture, price, what is left, and the way into the cart.

import { getProduct } from "./api.js";
import { addToCart, cartLines, MAX_QUANTITY } from "./cart.js";
import { announce, byId, picture, showProblem } from "./dom.js";
import { showFieldErrors } from "./field-errors.js";
import { money, setTitle, t } from "./i18n.js";
import { ownOrderActions, ownOrderText, ownOrderWith } from "./own-order.js";
import { productsPath } from "./paths.js";
import { categoryName } from "./products.js";
import { explain } from "./refusals.js";
import { track } from "./tracking.js";

const article = byId("product");
const form = byId("add-form");
let product = null;

async function load() {
  try {
    product = await getProduct(article.dataset.slug);
  } catch (error) {
    const gone = error.code === "NOT_FOUND";
    const again = { label: t("tryAgain"), run: () => location.reload() };
    const actions = gone ? [{ label: t("backToProducts"), href: productsPath }] : [again];
    showProblem(gone ? t("productGone") : explain(error), { actions });
    return;
  }
  show();
  track("product_view", { productId: product.id });
  if (product.available === 0) showWhoHoldsIt();
}

/** Sold out because the shopper's own order waits to be paid is no reason to look elsewhere. */
async function showWhoHoldsIt() {
  const own = await ownOrderWith(product.id);
  if (own) showProblem(ownOrderText(own), { actions: ownOrderActions(own, () => location.reload()), focus: false });
}

function show() {
  byId("product-picture").replaceChildren(picture(product.thumbnail, { alt: product.name, size: 640 }));
  showCategory();
  byId("product-name").textContent = product.name;
  byId("product-price").textContent = money(product.price, product.currency);
  byId("product-description").textContent = product.description;
  byId("product-sku").textContent = product.sku;
  setTitle(product.name);
  showStock();
  article.hidden = false;
  article.setAttribute("aria-busy", "false");
}

async function showCategory() {
  byId("product-category").textContent = product.category ? await categoryName(product.category) : "";
}

function showStock() {
  const { available } = product;
  form.hidden = available === 0;
  if (available !== null) form.quantity.max = Math.min(available, MAX_QUANTITY);
  const few = available !== null && available <= 5;
  byId("stock").textContent = available === 0 ? t("soldOutLong") : few ? t("fewLeft", { count: available }) : "";
}

/** What is wrong with the quantity, or nothing. What is in the cart already counts against what is left. */
function quantityProblem(quantity) {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > MAX_QUANTITY) return t("quantityRange", { max: MAX_QUANTITY });
  const held = cartLines().find(({ productId }) => productId === product.id)?.quantity ?? 0;
  if (product.available !== null && held + quantity > product.available) {
    return held ? t("onlyLeftWithCart", { count: product.available, held }) : t("onlyLeft", { count: product.available });
  }
  return null;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const quantity = Number(form.quantity.value);
  const problem = quantityProblem(quantity);
  showFieldErrors(form, problem ? { quantity: [problem] } : {});
  if (problem) return;
  const added = addToCart(product, quantity);
  byId("added-text").textContent = added ? t("added", { count: quantity, name: product.name }) : t("cartFull");
  byId("added").hidden = false;
  announce(byId("added-text").textContent);
});

load();
