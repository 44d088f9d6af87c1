// The page: loads the poses block after block, and ties search, grid, large view and verdicts together.

/** @import { Block, Settings } from "./poses.js" */
import { Poses } from "./poses.js";
import { CATEGORY, categoryLabel, differingCategories, emptyQuery, filterCount, select, varies } from "./selection.js";
import { Reviews } from "./reviews.js";
import { Grid } from "./grid.js";
import { Large, byId } from "./large.js";
import { Retry } from "./retry.js";
import { fillFilters } from "./filters.js";

const SECONDS_BETWEEN_QUESTIONS = 2;
const MS_UNTIL_SEARCH = 60;
const SECONDS_OF_TOAST = 2.5;
const VERDICTS = /** @type {Record<string, string>} */ ({ a: "accept", r: "reject", u: "unsure" });
const SORTS = [["order", "As in the folder"], ["name", "Name"], ["caption", "Caption"], ["review", "Review"]];

/** @type {Settings} */
const settings = JSON.parse(byId("settings").textContent ?? "");
const poses = new Poses();
const query = emptyQuery();
const reviews = new Reviews(poses, reviewChanged, showProblem);
const grid = new Grid(poses, settings.folders, byId("scroll"), byId("grid"), openPlace);
const large = new Large(poses, reviews, settings, openRow);
const retry = new Retry(poses, settings.retry);
/** @type {number[][]} */
let duplicates = settings.duplicates ?? [];
let loaded = false;
let unseen = 0;
/** Whether poses have been made again since the shown ones were selected and sorted. */
let stale = false;
let toastTimer = 0;

// What is shown -------------------------------------------------------------------------------------------------------

/** Select and show anew. @param {boolean} keepPlace */
function show(keepPlace) {
  grid.measure = settings.measures.find((measure) => measure.key === query.sort) ?? null;
  grid.groups = new Map(
    query.sort === "duplicates" ? duplicates.flatMap((group, number) => group.map((row) => [row, number])) : [],
  );
  grid.show(select(poses, query, duplicates), keepPlace);
  unseen = 0;
  stale = false;
  const filters = filterCount(query);
  byId("filter-count").textContent = filters ? String(filters) : "";
  byId("empty").hidden = grid.rows.length > 0 || !loaded || !poses.present;
  showCounts();
}

function showCounts() {
  let there = 0;
  for (const row of grid.rows) there += Number(!poses.removed[row]);  // others are being made again
  const [shown, all] = [there, poses.present].map((count) => count.toLocaleString("en"));
  byId("counts").textContent = shown === all ? `${all} poses` : `${shown} of ${all} poses`;
  let [seen, rejected, again] = [0, 0, 0];
  const rejections = poses.numbers.get("rejections") ?? [];
  for (let row = 0; row < poses.count; row++) {
    if (poses.removed[row] ?? true) continue;
    seen += Number(poses.verdict[row] !== "");
    rejected += Number(poses.verdict[row] === "reject");
    again += Number(poses.verdict[row] === "" && rejections[row] >= 1);
  }
  byId("seen").textContent = `${seen.toLocaleString("en")} of ${all} reviewed`
    + (again ? `, ${again.toLocaleString("en")} to review again` : "");
  byId("seen-bar").style.width = `${poses.present ? (100 * seen) / poses.present : 0}%`;
  byId("show-new").hidden = !unseen;
  byId("sort-again").hidden = !stale;
  byId("show-new").textContent = `Show ${unseen.toLocaleString("en")} new`;
  const words = `${rejected.toLocaleString("en")} rejected`;
  byId("show-retry").hidden = byId("large-rejected").hidden = !rejected;
  byId("show-retry").textContent = `${words}: make again…`;
  byId("large-rejected").textContent = words;
  showRemade();
  retry.showMade();
}

/** How many poses were made again, and whether only these are shown. */
function showRemade() {
  const column = poses.numbers.get("rejections") ?? [];
  let remade = 0;
  for (let row = 0; row < poses.count; row++) remade += Number(column[row] >= 1 && !poses.removed[row]);
  const only = query.ranges.has("rejections");
  const button = byId("show-remade");
  button.hidden = !remade && !only;
  button.setAttribute("aria-pressed", String(only));
  button.textContent = only ? "Others too" : `${remade.toLocaleString("en")} made again`;
}

function showSorts() {
  const sort = /** @type {HTMLSelectElement} */ (byId("sort"));
  const known = settings.measures.filter(({ key }) => (
    key !== "rejections" && (varies(poses, key) || key === query.sort)
  ));
  const categories = differingCategories(poses).map(({ key }) => [CATEGORY + key, `By ${categoryLabel(key)}`]);
  const choices = [...SORTS, ...categories, ...known.map((measure) => [measure.key, measure.key === "doubts" ? "Most doubtful" : `Worst: ${measure.label}`]), ["duplicates", "Near duplicates"]];
  const wanted = choices.map(([key]) => key).join(" ");
  if (sort.dataset.choices === wanted) return;
  sort.dataset.choices = wanted;
  sort.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
  sort.value = query.sort;
}

function showDirection() {
  const words = query.descending ? "Descending; click to sort ascending" : "Ascending; click to sort descending";
  const button = byId("turn-order");
  button.textContent = query.descending ? "↓" : "↑";
  button.title = words;
  button.setAttribute("aria-label", words);
}

/** @param {number} row */
function reviewChanged(row) {
  grid.refresh();
  showCounts();
  if (large.isOpen && large.row === row) large.showReview();
}

/** @param {string} problem */
function showProblem(problem) {
  byId("problem").hidden = !problem;
  byId("problem").textContent = problem;
}

/** @param {string} words */
function toast(words) {
  const box = byId("toast");
  (large.isOpen ? byId("stage") : document.body).append(box);
  box.textContent = words;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.hidden = true;
  }, 1000 * SECONDS_OF_TOAST);
}

/** @param {number} place */
function openPlace(place) {
  if (place < 0 || place >= grid.rows.length) return;
  grid.goTo(place);
  const [number, all] = [place + 1, grid.rows.length].map((count) => count.toLocaleString("en"));
  large.show(grid.rows[place], `${number} of ${all}`);
}

/** @param {number} row */
function openRow(row) {
  const place = grid.rows.indexOf(row);
  if (place >= 0) openPlace(place);
  else large.show(row, "");
}

// Verdicts ------------------------------------------------------------------------------------------------------------

/** @param {string} verdict */
function judge(verdict) {
  if (!settings.served || !grid.rows.length) return;
  const row = large.isOpen ? large.row : grid.rows[grid.current];
  reviews.judge(row, verdict);
  const given = poses.verdict[row] === verdict;
  toast(given ? `${{ accept: "Accepted", reject: "Rejected", unsure: "Unsure" }[verdict]}. Z to undo` : "Verdict removed");
  if (!given || grid.rows[grid.current] !== row || grid.current + 1 >= grid.rows.length) return;
  if (large.isOpen) openPlace(grid.current + 1);
  else grid.goTo(grid.current + 1);
}

function undo() {
  const row = reviews.undo();
  if (row === null) {
    toast("Nothing to undo");
    return;
  }
  toast("Undone");
  if (large.isOpen) openRow(row);
  else if (grid.rows.includes(row)) grid.goTo(grid.rows.indexOf(row));
}

// Loading -------------------------------------------------------------------------------------------------------------

/** @param {Block} block */
function take(block) {
  const { added, remade } = poses.add(block);
  reviews.keepOwn(block.revision);
  showSorts();
  const first = !grid.rows.length;
  if (!loaded || first) show(!first);
  else if (block.ids.length) {
    unseen += added;
    stale ||= remade > 0 && (query.sort !== "order" || filterCount(query) > 0);
    grid.refresh();
    if (query.sort === "order" && !query.search && !filterCount(query)) show(true);
    showCounts();
    if (large.isOpen && block.ids.includes(large.row)) large.refresh();
  }
}

/** @param {Block} block */
function showLive(block) {
  const { progress } = block;
  const live = byId("live");
  live.hidden = block.complete && !progress;
  if (!block.complete) live.textContent = `reading ${block.found.toLocaleString("en")} poses…`;
  else if (progress) {
    const minutes = Math.ceil(progress.seconds_left / 60);
    live.textContent = `a run is generating: ${progress.finished.toLocaleString("en")} of `
      + `${progress.total.toLocaleString("en")}, ${progress.rate} a second${minutes ? `, ${minutes} min left` : ""}`
      + (progress.failed ? `, ${progress.failed} failed` : "");
  }
}

async function load() {
  let revision = 0;
  let problem = "";
  for (;;) {
    let wait = SECONDS_BETWEEN_QUESTIONS;
    try {
      const answer = await fetch(`poses?since=${revision}`);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      /** @type {Block} */
      const block = await answer.json();
      if (block.ids.length) take(block);
      revision = block.revision;
      if (block.complete && !block.more && !loaded) {
        loaded = true;
        show(true);
      }
      showLive(block);
      if (block.more) wait = 0;
      else if (!block.complete) wait = 0.1;
      if (problem !== (block.problem ?? "")) {
        problem = block.problem ?? "";
        showProblem(problem);
      }
    } catch (error) {
      problem = `The gallery does not respond; is it still running? (${error instanceof Error ? error.message : error})`;
      showProblem(problem);
    }
    if (wait) await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
  }
}

/** Take over the blocks of a page that holds them, the first one at once. */
async function loadOwn() {
  for (const script of document.querySelectorAll("script.block")) {
    take(JSON.parse(script.textContent ?? ""));
    script.remove();
    await new Promise((resolve) => setTimeout(resolve));
  }
  loaded = true;
  show(true);
}

// Controls ------------------------------------------------------------------------------------------------------------

async function sortBy() {
  query.sort = /** @type {HTMLSelectElement} */ (byId("sort")).value;
  const measure = settings.measures.find(({ key }) => key === query.sort);
  query.descending = measure?.worst_high ?? false;
  showDirection();
  if (query.sort === "duplicates" && settings.served) {
    byId("counts").textContent = "comparing all poses…";
    duplicates = await (await fetch("duplicates")).json();
  }
  show(false);
}

/** Show just the poses that were made again, those that agree least first; or the others too. */
function toggleRemade() {
  const only = !query.ranges.delete("rejections");
  if (only) query.ranges.set("rejections", [1, Infinity]);
  const panel = byId("filters");
  if (!panel.hidden) fillFilters(panel, poses, settings, query, () => show(false));
  const sort = /** @type {HTMLSelectElement} */ (byId("sort"));
  if (only && [...sort.options].some((option) => option.value === "agreement")) {
    sort.value = "agreement";
    void sortBy();
  } else show(false);
  byId("grid").focus({ preventScroll: true });
}

function toggleFilters() {
  const panel = byId("filters");
  panel.hidden = !panel.hidden;
  byId("toggle-filters").setAttribute("aria-expanded", String(!panel.hidden));
  if (!panel.hidden) fillFilters(panel, poses, settings, query, () => show(false));
  grid.layOut();
}

function clearAll() {
  Object.assign(query, { ...emptyQuery(), sort: query.sort, descending: query.descending });
  /** @type {HTMLInputElement} */ (byId("search")).value = "";
  const panel = byId("filters");
  if (!panel.hidden) fillFilters(panel, poses, settings, query, () => show(false));
  show(false);
}

/** @param {KeyboardEvent} event */
function takeGridKey(event) {
  const steps = /** @type {Record<string, number>} */ ({
    ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns,
    PageUp: -grid.columns * grid.rowsOnScreen, PageDown: grid.columns * grid.rowsOnScreen,
    Home: -grid.rows.length, End: grid.rows.length,
  });
  if (event.key in steps && !event.shiftKey) grid.goTo(grid.current + steps[event.key]);
  else if (event.key === "Enter" && !(document.activeElement instanceof HTMLButtonElement)) openPlace(grid.current);
  else if (event.key === "/") byId("search").focus();
  else if (event.key === "f") toggleFilters();
  else if (event.key === "n" && settings.served) {
    openPlace(grid.current);
    byId("note").focus();
  } else return false;
  return true;
}

/** @param {KeyboardEvent} event */
function takeLargeKey(event) {
  if (large.takeKey(event)) return true;
  if (event.key === "ArrowLeft") openPlace(grid.current - 1);
  else if (event.key === "ArrowRight") openPlace(grid.current + 1);
  else return false;
  return true;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {Element} */ (event.target);
  if (target.matches("input, textarea, select")) {
    if (event.key === "Escape" && target instanceof HTMLElement) {
      target.blur();
      if (target.closest("dialog")) event.preventDefault();
      else byId("grid").focus({ preventScroll: true });
    } else if (target.matches("#search, #sort") && event.key === "Enter" || target.id === "search" && event.key === "ArrowDown") {
      byId("grid").focus({ preventScroll: true });
      event.preventDefault();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const others = document.querySelector("dialog[open]:not(#large)");
  if (others) return;
  const key = event.key.toLowerCase();
  if (key in VERDICTS) judge(VERDICTS[key]);
  else if (key === "z") undo();
  else if (event.key === "?") /** @type {HTMLDialogElement} */ (byId("keys")).showModal();
  else if (!(large.isOpen ? takeLargeKey(event) : takeGridKey(event))) return;
  event.preventDefault();
}

function connect() {
  let timer = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      query.search = /** @type {HTMLInputElement} */ (event.target).value;
      show(false);
    }, MS_UNTIL_SEARCH);
  });
  byId("sort").addEventListener("change", () => void sortBy());
  byId("turn-order").addEventListener("click", () => {
    query.descending = !query.descending;
    showDirection();
    show(false);
  });
  byId("toggle-filters").addEventListener("click", toggleFilters);
  byId("clear").addEventListener("click", clearAll);
  byId("show-new").addEventListener("click", () => show(true));
  byId("sort-again").addEventListener("click", () => {
    show(false);
    byId("grid").focus({ preventScroll: true });
  });
  byId("show-remade").addEventListener("click", toggleRemade);
  byId("show-retry").addEventListener("click", () => retry.show());
  byId("help").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("keys")).showModal());
  byId("close").addEventListener("click", () => large.dialog.close());
  large.dialog.addEventListener("close", () => byId("grid").focus({ preventScroll: true }));
  byId("previous").addEventListener("click", () => openPlace(grid.current - 1));
  byId("next").addEventListener("click", () => openPlace(grid.current + 1));
  byId("verdicts").addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.dataset.verdict) judge(button.dataset.verdict);
  });
  document.addEventListener("keydown", onKey);
  byId("grid").focus({ preventScroll: true });
}

showSorts();
connect();
void (settings.served ? load() : loadOwn());
