// Which poses are shown, and in which order.

/** @import { Poses } from "./poses.js" */

/**
 * @typedef {object} Query
 * @property {string} search every word must be in the caption or the name
 * @property {string} sort a measure's key, or `order`, `name`, `caption`, `review`, `duplicates`,
 *   or a category's key after CATEGORY
 * @property {boolean} descending
 * @property {Set<string>} reviews of which verdicts, `none` among them; empty: any
 * @property {Map<string, [number, number]>} ranges of measures, both ends included
 * @property {Map<string, string>} categories the value that each must have
 * @property {number | null} folder
 */

export const CATEGORY = "category:";
const WORDS = new Intl.Collator("en", { numeric: true });

/** @returns {Query} */
export function emptyQuery() {
  return {
    search: "", sort: "order", descending: false, reviews: new Set(), ranges: new Map(), categories: new Map(),
    folder: null,
  };
}

/** The rows that a query shows, in their order.
 * @param {Poses} poses @param {Query} query @param {number[][]} duplicates @returns {Uint32Array} */
export function select(poses, query, duplicates) {
  const words = query.search.normalize().toLowerCase().split(/\s+/).filter(Boolean);
  const ranges = [...query.ranges].map(([key, [low, high]]) => ({ column: poses.numbers.get(key), low, high }));
  const categories = [...query.categories].map(([key, value]) => ({ column: poses.categories.get(key), value }));
  /** @param {number} row */
  const fits = (row) => {
    if (poses.name[row] === undefined || poses.removed[row]) return false;
    if (query.folder !== null && poses.folder[row] !== query.folder) return false;
    if (query.reviews.size && !query.reviews.has(poses.verdict[row] || "none")) return false;
    for (const { column, low, high } of ranges) {
      const value = column ? column[row] : NaN;
      if (!(value >= low && value <= high)) return false;
    }
    for (const { column, value } of categories) if ((column?.[row] ?? "") !== value) return false;
    for (const word of words) if (!poses.text[row].includes(word)) return false;
    return true;
  };
  if (query.sort === "duplicates") return Uint32Array.from(duplicates.flat().filter(fits));
  const rows = [];
  for (let row = 0; row < poses.count; row++) if (fits(row)) rows.push(row);
  const found = Uint32Array.from(rows);
  const compare = comparison(poses, query);
  if (compare) found.sort(compare);
  else if (query.descending) found.reverse();
  return found;
}

/** @param {Poses} poses @param {Query} query @returns {((a: number, b: number) => number) | null} */
function comparison(poses, query) {
  const sign = query.descending ? -1 : 1;
  if (query.sort === "order") return null;
  if (query.sort === "review") {
    const ranks = ["reject", "unsure", "accept", ""];
    return (a, b) => sign * (ranks.indexOf(poses.verdict[a]) - ranks.indexOf(poses.verdict[b])) || a - b;
  }
  if (query.sort === "name" || query.sort === "caption") {
    const column = query.sort === "name" ? poses.name : poses.caption;
    return (a, b) => sign * Number(column[a] > column[b]) - sign * Number(column[a] < column[b]) || a - b;
  }
  if (query.sort.startsWith(CATEGORY)) {
    const values = poses.categories.get(query.sort.slice(CATEGORY.length)) ?? [];
    return (a, b) => sign * WORDS.compare(values[a] ?? "", values[b] ?? "") || a - b;
  }
  const column = poses.numbers.get(query.sort);
  if (!column) return null;
  const agreement = poses.numbers.get("agreement");
  return (a, b) => compareNumbers(column, sign, a, b) || (agreement ? compareNumbers(agreement, 1, a, b) : 0) || a - b;
}

/** By their numbers; rows that have none are last. @param {Float32Array} column @param {number} sign
 * @param {number} a @param {number} b */
function compareNumbers(column, sign, a, b) {
  const [x, y] = [column[a], column[b]];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return sign * (x - y);
}

/** Number of filters that are on. @param {Query} query */
export function filterCount(query) {
  return query.ranges.size + query.categories.size + Number(query.reviews.size > 0) + Number(query.folder !== null);
}

/** Whether poses differ in a measure. @param {Poses} poses @param {string} key */
export function varies(poses, key) {
  const column = poses.numbers.get(key)?.subarray(0, poses.count) ?? new Float32Array(0);
  const first = column.find((value) => !Number.isNaN(value));
  return column.some((value) => !Number.isNaN(value) && value !== first);
}

/** How the page calls a category. @param {string} key */
export function categoryLabel(key) {
  return key.replace(/^source\./, "");
}

/** The categories of which poses have different values, with these. @param {Poses} poses */
export function differingCategories(poses) {
  return [...poses.categories].flatMap(([key, column]) => {
    const values = [...new Set(column)].filter((value) => value !== undefined && value !== null).sort();
    return values.length > 1 ? [{ key, values: values.map(String) }] : [];
  });
}

/** A histogram of a measure: counts in bins from the least to the largest value; null where there are no two values.
 * @param {Poses} poses @param {string} key @param {number} bins */
export function histogram(poses, key, bins) {
  const column = poses.numbers.get(key);
  if (!column) return null;
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < poses.count; row++) {
    if (column[row] < low) low = column[row];
    if (column[row] > high) high = column[row];
  }
  if (!(high > low)) return null;
  const counts = new Array(bins).fill(0);
  for (let row = 0; row < poses.count; row++) {
    if (!Number.isNaN(column[row])) counts[Math.min(bins - 1, Math.floor((bins * (column[row] - low)) / (high - low)))]++;
  }
  return { low, high, counts };
}
