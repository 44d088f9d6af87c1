// The panel of filters: verdicts, folders, groups, and a range with a histogram for each measure.

/** @import { Poses, Settings, Measure } from "./poses.js" */
/** @import { Query } from "./selection.js" */
import { categoryLabel, differingCategories, histogram } from "./selection.js";

const BINS = 32;
const MOST_VALUES = 300;
const REVIEWS = [["none", "Not reviewed"], ["accept", "Accepted"], ["reject", "Rejected"], ["unsure", "Unsure"]];

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} [children] @returns {HTMLElementTagNameMap[K]} */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fill the panel. @param {HTMLElement} panel @param {Poses} poses @param {Settings} settings @param {Query} query
 * @param {() => void} onChange */
export function fillFilters(panel, poses, settings, query, onChange) {
  const reviews = element("fieldset", {}, [element("legend", {}, ["Review"])]);
  for (const [value, label] of REVIEWS) {
    const box = element("input", { type: "checkbox", value });
    box.checked = query.reviews.has(value);
    box.addEventListener("change", () => {
      if (box.checked) query.reviews.add(value);
      else query.reviews.delete(value);
      onChange();
    });
    reviews.append(element("label", { class: "check" }, [box, label]));
  }
  panel.replaceChildren(reviews);
  if (settings.folders.length > 1) {
    const choices = settings.folders.map((name, number) => /** @type {[string, string]} */ ([String(number), name]));
    panel.append(choice("Folder", choices, query.folder === null ? "" : String(query.folder), (value) => {
      query.folder = value === "" ? null : Number(value);
      onChange();
    }));
  }
  for (const { key, values } of differingCategories(poses)) {
    if (values.length > MOST_VALUES) continue;
    const choices = values.map((value) => /** @type {[string, string]} */ ([value, value]));
    panel.append(choice(categoryLabel(key), choices, query.categories.get(key) ?? "", (value) => {
      if (value === "") query.categories.delete(key);
      else query.categories.set(key, value);
      onChange();
    }));
  }
  for (const measure of settings.measures) {
    const field = rangeField(measure, poses, query, onChange);
    if (field) panel.append(field);
  }
  const clear = element("button", { type: "button", id: "clear-filters" }, ["Clear filters"]);
  clear.addEventListener("click", () => {
    query.reviews.clear();
    query.ranges.clear();
    query.categories.clear();
    query.folder = null;
    fillFilters(panel, poses, settings, query, onChange);
    onChange();
  });
  panel.append(clear);
}

/** @param {string} label @param {[string, string][]} choices @param {string} chosen
 * @param {(value: string) => void} onChange */
function choice(label, choices, chosen, onChange) {
  const select = element("select", {}, [element("option", { value: "" }, ["any"])]);
  for (const [value, text] of choices) select.append(element("option", { value }, [text]));
  select.value = chosen;
  select.addEventListener("change", () => onChange(select.value));
  return element("label", { class: "choice" }, [element("span", {}, [label]), select]);
}

/** @param {Measure} measure @param {Poses} poses @param {Query} query @param {() => void} onChange */
function rangeField(measure, poses, query, onChange) {
  const found = histogram(poses, measure.key, BINS);
  if (!found) return null;
  const { low, high, counts } = found;
  const [least, most] = [low, high].map((value, end) => {
    const factor = 10 ** measure.decimals;
    return (end ? Math.ceil(value * factor) : Math.floor(value * factor)) / factor;
  });
  const step = String(10 ** -measure.decimals);
  const [from, to] = ["least", "most"].map((words, end) => {
    const input = element("input", {
      type: "number", step, min: String(least), max: String(most), placeholder: String(end ? most : least),
      "aria-label": `${measure.label}, ${words}`, "data-measure": measure.key, inputmode: "decimal",
    });
    const range = query.ranges.get(measure.key);
    if (range && Number.isFinite(range[end])) input.value = String(range[end]);
    return input;
  });
  const change = () => {
    if (from.value === "" && to.value === "") query.ranges.delete(measure.key);
    else {
      query.ranges.set(measure.key, [
        from.value === "" ? -Infinity : Number(from.value), to.value === "" ? Infinity : Number(to.value),
      ]);
    }
    onChange();
  };
  for (const input of [from, to]) input.addEventListener("input", change);
  const legend = element("legend", {}, [measure.label + (measure.unit ? ` (${measure.unit})` : "")]);
  return element("fieldset", { class: "range" }, [legend, bars(counts), element("div", {}, [from, "to", to])]);
}

/** @param {number[]} counts */
function bars(counts) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${counts.length} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const most = Math.max(...counts);
  for (const [bin, count] of counts.entries()) {
    if (!count) continue;
    const height = Math.max(0.6, 10 * Math.sqrt(count / most));
    const bar = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: bin + 0.08, y: 10 - height, width: 0.84, height })) {
      bar.setAttribute(name, String(value));
    }
    svg.append(bar);
  }
  return svg;
}
