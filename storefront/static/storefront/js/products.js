// What the list and the product page share: the categories, asked for once a tab.

import { listCategories } from "./api.js";
import { tab } from "./storage.js";

/** `[{ slug, name }]` by name; none when nobody answers, for the shop sells without them too. */
export async function categories() {
  const kept = tab.get("categories");
  if (kept) return kept;
  try {
    const items = await listCategories();
    tab.set("categories", items);
    return items;
  } catch {
    return [];
  }
}

export async function categoryName(slug) {
  return (await categories()).find((category) => category.slug === slug)?.name ?? fromSlug(slug);
}

/** `"living-room"` as Living room. */
export const fromSlug = (slug) => slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll("-", " ");
