// One pose large: its picture, the figure in 3D, its measures, and the other poses of its caption.

/** @import { Poses, Settings } from "./poses.js" */
/** @import { Reviews } from "./reviews.js" */
/** @import { Spot, View } from "../../pages/figure.js" */
import { formatNumber } from "./poses.js";
import { JOINT_NAMES, mirrored } from "../../pages/body.js";
import { frame, makeCamera, paintPicture, themeOf, WINDOW } from "../../pages/figure.js";

const AZIMUTH = 30;
const ELEVATION = 14;
const [LOWEST, HIGHEST] = [-5, 85];
const DEGREES_PER_PIXEL = 0.4;
const STEP = 10;
const ZOOM_STEP = 1.15;
const [FARTHEST, NEAREST] = [0.4, 6];
const HOVER = 14;
const OTHERS = 24;
const THUMBNAIL = 132;

/** @template {HTMLElement} T @param {string} id @returns {T} */
export function byId(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/** Copy text, or select it where the browser does not allow that; the button says which.
 * @param {string} text @param {HTMLElement} place where it stands @param {HTMLElement} button */
export async function copy(text, place, button) {
  const label = button.dataset.label ?? button.textContent ?? "";
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(place);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

/** A button with a small figure and a label. @param {Float32Array} joints @param {string} words
 * @param {HTMLElement} place whose theme it has */
function thumbnail(joints, words, place) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = words;
  const [canvas, label] = [document.createElement("canvas"), document.createElement("span")];
  canvas.width = canvas.height = THUMBNAIL * Math.min(devicePixelRatio, 2);
  paintPicture(canvas, joints, frame(joints), themeOf(place));
  label.textContent = words;
  button.append(canvas, label);
  return button;
}

export class Large {
  /** @param {Poses} poses @param {Reviews} reviews @param {Settings} settings @param {(row: number) => void} onOther */
  constructor(poses, reviews, settings, onOther) {
    this.poses = poses;
    this.reviews = reviews;
    this.settings = settings;
    this.onOther = onOther;
    /** @type {HTMLDialogElement} */ this.dialog = byId("large");
    /** @type {HTMLCanvasElement} */ this.canvas = byId("figure");
    /** @type {HTMLImageElement} */ this.picture = byId("picture");
    /** @type {HTMLTextAreaElement} */ this.note = byId("note");
    this.row = -1;
    this.azimuth = AZIMUTH;
    this.elevation = ELEVATION;
    this.zoom = 1;
    this.mirror = false;
    this.showsPicture = false;
    this.joints = new Float32Array(66);
    /** @type {Float32Array | null} The joints of the rejected pose that is shown instead. */ this.earlier = null;
    /** @type {Spot[]} */ this.spots = [];
    /** @type {Map<number, {x: number, y: number}>} Fingers and mouse buttons that are down. */
    this.pointers = new Map();
    this.scheduled = false;
    this.connect();
  }

  connect() {
    new ResizeObserver(() => this.schedule()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.schedule());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    });
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.canvas.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    this.canvas.addEventListener("pointerleave", () => this.nameJoint(null));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(ZOOM_STEP ** (-event.deltaY / 100));
    }, { passive: false });
    this.canvas.addEventListener("dblclick", () => this.resetView());
    this.picture.addEventListener("error", () => this.showPicture(false));
    this.note.addEventListener("change", () => this.reviews.annotate(this.row, this.note.value));
    this.dialog.addEventListener("close", () => this.keepNote());
    byId("mirror").addEventListener("click", () => this.toggleMirror());
    byId("reset").addEventListener("click", () => this.resetView());
    byId("view-picture").addEventListener("click", () => this.showPicture(!this.showsPicture));
    byId("copy").addEventListener("click", () => void copy(this.poses.name[this.row], byId("large-name"), byId("copy")));
    byId("show-json").addEventListener("click", () => void this.toggleJson());
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Show a pose; `place` says which of how many. @param {number} row @param {string} place */
  show(row, place) {
    this.keepNote();
    if (row !== this.row) this.note.blur();
    this.row = row;
    this.joints = this.poses.metres(row);
    byId("place").textContent = place;
    byId("large-caption").textContent = this.poses.caption[row];
    byId("large-name").textContent = this.poses.name[row];
    byId("json").hidden = true;
    byId("show-json").setAttribute("aria-expanded", "false");
    this.picture.removeAttribute("src");
    byId("exports").replaceChildren(...this.settings.exports.map((format) => {
      const link = document.createElement("a");
      link.href = `export/${row}/${format}`;
      link.download = "";
      link.textContent = format.toUpperCase();
      link.title = `Export this pose as ${format.toUpperCase()}`;
      return link;
    }));
    this.showReview();
    this.showMeasures();
    this.showBefore();
    this.showOthers();
    if (!this.isOpen) {
      this.dialog.showModal();
      this.canvas.focus();
    }
    const { pictures, served } = this.settings;
    byId("view-picture").hidden = !this.poses.picture[row] || (!served && pictures === null);
    this.showPicture(this.showsPicture && !byId("view-picture").hidden);
    this.schedule();
  }

  /** The pose may have been made again, or reviewed by someone else. */
  refresh() {
    this.joints = this.poses.metres(this.row);
    this.showReview();
    this.showMeasures();
    this.showBefore();
    this.schedule();
  }

  keepNote() {
    if (this.row >= 0 && !this.note.disabled) this.reviews.annotate(this.row, this.note.value);
  }

  showReview() {
    const verdict = this.poses.verdict[this.row];
    for (const button of byId("verdicts").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
      button.disabled = !this.settings.served;
    }
    if (document.activeElement !== this.note) this.note.value = this.poses.note[this.row];
    this.note.disabled = !this.settings.served;
  }

  showMeasures() {
    const list = byId("measures");
    list.replaceChildren();
    /** @param {string} label @param {string} value @param {boolean} [doubtful] */
    const add = (label, value, doubtful = false) => {
      const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = label;
      detail.textContent = value;
      detail.dir = "auto";
      detail.classList.toggle("doubtful", doubtful);
      list.append(term, detail);
    };
    for (const measure of this.settings.measures) {
      const value = this.poses.number(measure.key, this.row);
      if (Number.isNaN(value) || (measure.key === "rejections" && !value)) continue;
      const words = this.poses.words.get(measure.key)?.[this.row];
      const before = measure.key === "agreement" ? this.poses.rejectedBefore(this.row)[0]?.agreement ?? NaN : NaN;
      const change = Number.isNaN(before) ? "" : `${formatNumber(measure, before)} → `;
      const { bound, worst_high } = measure;
      const doubtful = bound !== null && (worst_high ? value > bound : value < bound);
      add(measure.label, change + formatNumber(measure, value) + (words ? `: ${words}` : ""), doubtful);
    }
    if (this.settings.folders.length > 1) add("folder", this.settings.folders[this.poses.folder[this.row]]);
    for (const [key, column] of this.poses.categories) {
      const value = column[this.row];
      if (value) add(key.replace(/^source\./, ""), value);
    }
  }

  /** The rejected poses in whose place this one is; a click shows one large, and the next one this pose again. */
  showBefore() {
    this.showEarlier(null);
    const rejected = this.poses.rejectedBefore(this.row);
    const section = byId("before");
    section.hidden = !rejected.length;
    const strip = /** @type {HTMLElement} */ (section.querySelector(".strip"));
    strip.replaceChildren(...rejected.map(({ joints, agreement }) => {
      const button = thumbnail(joints, Number.isNaN(agreement) ? "Rejected" : `Agreed ${agreement.toFixed(2)}`, section);
      button.dataset.verdict = "reject";
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        this.showEarlier(this.earlier === joints ? null : joints);
        for (const each of strip.children) each.setAttribute("aria-pressed", String(each === button && this.earlier !== null));
        this.showPicture(false);
      });
      return button;
    }));
  }

  /** Show a rejected pose in the place of this one; null: this one. @param {Float32Array | null} joints */
  showEarlier(joints) {
    this.earlier = joints;
    byId("earlier").hidden = joints === null;
    byId("measures").classList.toggle("of-another", joints !== null);
    this.schedule();
  }

  /** The other poses of the same caption: further ones of its prompt, and those of other folders. */
  showOthers() {
    const others = this.poses.othersOf(this.row);
    const section = byId("others");
    section.hidden = !others.length;
    if (!others.length) return;
    const heading = /** @type {HTMLElement} */ (section.querySelector("h3"));
    heading.textContent = `Same caption (${others.length} more)`;
    const strip = /** @type {HTMLElement} */ (section.querySelector(".strip"));
    strip.replaceChildren(...others.slice(0, OTHERS).map((row) => {
      const { folder, name, verdict } = this.poses;
      const words = this.settings.folders.length > 1 ? this.settings.folders[folder[row]] : name[row];
      const button = thumbnail(this.poses.metres(row), words, section);
      button.dataset.verdict = verdict[row];
      button.addEventListener("click", () => this.onOther(row));
      return button;
    }));
  }

  // Turning -----------------------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.nameJoint(event);
      return;
    }
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, spot]) => spot);
    const now = { x: event.offsetX, y: event.offsetY };
    if (others.length) {
      const [was, is] = [before, now].map((spot) => Math.hypot(spot.x - others[0].x, spot.y - others[0].y));
      if (was > 0) this.zoomBy(is / was);
    } else {
      this.turn(-(now.x - before.x) * DEGREES_PER_PIXEL, (now.y - before.y) * DEGREES_PER_PIXEL);
    }
    this.pointers.set(event.pointerId, now);
  }

  /** @param {number} across @param {number} up degrees */
  turn(across, up) {
    this.showPicture(false);
    this.azimuth = (this.azimuth + across + 540) % 360 - 180;
    this.elevation = Math.max(LOWEST, Math.min(HIGHEST, this.elevation + up));
    this.schedule();
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.showPicture(false);
    this.zoom = Math.max(FARTHEST, Math.min(NEAREST, this.zoom * factor));
    this.schedule();
  }

  toggleMirror() {
    this.showPicture(false);
    this.mirror = !this.mirror;
    byId("mirror").setAttribute("aria-pressed", String(this.mirror));
    this.schedule();
  }

  resetView() {
    [this.azimuth, this.elevation, this.zoom] = [AZIMUTH, ELEVATION, 1];
    if (this.mirror) this.toggleMirror();
    this.schedule();
  }

  /** The key of the large view that this is, if it is one; returns whether. @param {KeyboardEvent} event */
  takeKey(event) {
    const turns = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP],
    });
    if (event.shiftKey && event.key in turns) this.turn(...turns[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomBy(ZOOM_STEP);
    else if (event.key === "-" || event.key === "−") this.zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") this.resetView();
    else if (event.key === "m") this.toggleMirror();
    else if (event.key === "p" && !byId("view-picture").hidden) this.showPicture(!this.showsPicture);
    else if (event.key === "n" && !this.note.disabled) this.note.focus();
    else return false;
    return true;
  }

  schedule() {
    if (this.scheduled || !this.isOpen) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.draw();
    });
  }

  draw() {
    const { canvas } = this;
    const ratio = Math.min(devicePixelRatio, 2);
    const size = [canvas.clientWidth, canvas.clientHeight].map((length) => Math.round(length * ratio));
    if (canvas.width !== size[0]) canvas.width = size[0];
    if (canvas.height !== size[1]) canvas.height = size[1];
    if (!canvas.width || !canvas.height) return;
    const shown = this.earlier ?? this.joints;
    const joints = this.mirror ? mirrored(shown) : shown;
    this.spots = paintPicture(canvas, joints, this.view(joints), themeOf(canvas));
    canvas.dataset.view = `${Math.round(this.azimuth)} ${Math.round(this.elevation)} ${this.zoom.toFixed(2)}`;
  }

  /** The pictures' view, turned about the middle of the stage. @param {Float32Array} joints @returns {View} */
  view(joints) {
    const first = frame(joints, AZIMUTH, ELEVATION);
    const { distance, magnification } = first.camera;
    const camera = makeCamera(this.azimuth, this.elevation, distance, magnification * this.zoom);
    const middle = { x: WINDOW.left + WINDOW.side / 2, y: WINDOW.top + WINDOW.side / 2 };
    return {
      camera, x: middle.x + this.zoom * (first.x - middle.x), y: middle.y + this.zoom * (first.y - middle.y),
    };
  }

  /** Name the joint under the pointer. @param {PointerEvent | null} event */
  nameJoint(event) {
    const label = byId("joint");
    label.hidden = true;
    if (!event || this.showsPicture) return;
    const { clientWidth, clientHeight } = this.canvas;
    const scale = Math.min(clientWidth, clientHeight) / WINDOW.side;
    let nearest = HOVER;
    for (const [joint, spot] of this.spots.entries()) {
      const x = clientWidth / 2 + scale * (spot.x - WINDOW.left - WINDOW.side / 2);
      const y = clientHeight / 2 + scale * (spot.y - WINDOW.top - WINDOW.side / 2);
      const distance = Math.hypot(event.offsetX - x, event.offsetY - y);
      if (distance >= nearest) continue;
      nearest = distance;
      label.hidden = false;
      label.textContent = JOINT_NAMES[joint];
      label.style.left = `${x}px`;
      label.style.top = `${y}px`;
    }
  }

  // Picture, JSON -------------------------------------------------------------------------------------------------------

  /** @param {boolean} shown */
  showPicture(shown) {
    this.showsPicture = shown;
    this.picture.hidden = !shown;
    byId("legend").hidden = shown;
    byId("view-picture").textContent = shown ? "3D" : "Picture";
    if (!shown || this.picture.hasAttribute("src")) return;
    const { pictures, served } = this.settings;
    this.picture.alt = this.poses.caption[this.row];
    this.picture.src = served
      ? `picture/${this.row}?${this.poses.digest[this.row]}`
      : `${pictures}${encodeURIComponent(this.poses.name[this.row])}.png`;
  }

  async toggleJson() {
    const box = byId("json");
    box.hidden = !box.hidden;
    byId("show-json").setAttribute("aria-expanded", String(!box.hidden));
    if (box.hidden) return;
    const { row } = this;
    const { served } = this.settings;
    const document = served ? await (await fetch(`json/${row}`)).json() : this.ownJson();
    if (row === this.row) box.textContent = JSON.stringify(document, null, 1).replace(/\[\s+([^[\]]*?)\s+\]/g, (_, list) => `[${list.replace(/\s+/g, " ")}]`);
  }

  /** What a page without a server knows of the pose. */
  ownJson() {
    const joints = JOINT_NAMES.map((_, joint) => [...this.joints.subarray(3 * joint, 3 * joint + 3)]
      .map((value) => Number(value.toFixed(3))));
    return { caption: this.poses.caption[this.row], name: this.poses.name[this.row], joints };
  }
}
