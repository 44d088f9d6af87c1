// The cards: only those on the screen exist, and their figures are drawn when there is time.

/** @import { Poses, Measure } from "./poses.js" */
/** @import { View } from "../../pages/figure.js" */
import { formatNumber } from "./poses.js";
import { WINDOW, frame, paintFigure, paintFloor, themeOf } from "../../pages/figure.js";

const LEAST_WIDTH = 176;
const NARROW_WIDTH = 150;
const NARROW = 520;
const GAP = 12;
const TEXT_HEIGHT = 78;
const MARGIN_ROWS = 1;
const MS_FOR_DRAWING = 7;
const MARKS = /** @type {Record<string, string>} */ ({ accept: "✓", reject: "✕", unsure: "?" });

/** @typedef {{element: HTMLElement, canvas: HTMLCanvasElement, caption: HTMLElement, mark: HTMLElement,
 *   value: HTMLElement, folder: HTMLElement, place: number, drawn: string}} Card */

export class Grid {
  /** @param {Poses} poses @param {string[]} folders @param {HTMLElement} scroll @param {HTMLElement} grid
   * @param {(place: number) => void} onOpen */
  constructor(poses, folders, scroll, grid, onOpen) {
    this.poses = poses;
    /** Named on the cards where there are several. */
    this.folders = folders;
    this.scroll = scroll;
    this.grid = grid;
    this.onOpen = onOpen;
    /** @type {Uint32Array} */ this.rows = new Uint32Array(0);
    this.current = 0;
    /** @type {Measure | null} Whose value the cards show. */
    this.measure = null;
    /** @type {Map<number, number>} Group of near duplicates by row. */
    this.groups = new Map();
    this.columns = 1;
    this.width = LEAST_WIDTH;
    /** For which width. */
    this.laidOut = 0;
    /** @type {Map<number, Card>} By place. */
    this.cards = new Map();
    /** @type {Card[]} */
    this.spare = [];
    /** @type {Map<string, HTMLCanvasElement>} */
    this.floors = new Map();
    this.theme = themeOf(grid);
    this.scheduled = false;
    scroll.addEventListener("scroll", () => this.schedule(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe(scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.changeTheme());
    grid.addEventListener("click", (event) => {
      const card = /** @type {Element} */ (event.target).closest(".card");
      if (card instanceof HTMLElement) this.onOpen(Number(card.dataset.place));
    });
  }

  /** Show these rows. @param {Uint32Array} rows @param {boolean} keepPlace */
  show(rows, keepPlace) {
    const row = this.rows[this.current];
    this.rows = rows;
    const place = keepPlace && row !== undefined ? rows.indexOf(row) : 0;
    this.current = Math.max(place, 0);
    if (!keepPlace) this.scroll.scrollTop = 0;
    if (this.grid.clientWidth !== this.laidOut) this.layOut();
    else this.fit();
  }

  changeTheme() {
    this.theme = themeOf(this.grid);
    this.floors.clear();
    this.refresh();
  }

  /** Fill all cards anew. */
  refresh() {
    for (const card of this.cards.values()) card.drawn = "";
    this.update();
  }

  layOut() {
    const width = this.grid.clientWidth;
    if (!width) return;
    this.laidOut = width;
    const least = width < NARROW ? NARROW_WIDTH : LEAST_WIDTH;
    this.columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.width = Math.floor((width - GAP * (this.columns - 1)) / this.columns);
    for (const card of this.cards.values()) this.remove(card);
    this.cards.clear();
    this.fit();
  }

  /** Be as high as the rows that are shown take. */
  fit() {
    this.grid.style.height = `${Math.ceil(this.rows.length / this.columns) * this.height}px`;
    this.update();
  }

  get height() {
    return this.width + TEXT_HEIGHT + GAP;
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.update();
    });
  }

  /** Have a card for every place on the screen and none elsewhere; draw as many figures as there is time for. */
  update() {
    const top = this.scroll.scrollTop - this.grid.offsetTop;
    const first = Math.max(0, Math.floor(top / this.height) - MARGIN_ROWS) * this.columns;
    const last = Math.min(
      this.rows.length,
      (Math.ceil((top + this.scroll.clientHeight) / this.height) + MARGIN_ROWS) * this.columns,
    );
    for (const [place, card] of this.cards) {
      if (place >= first && place < last) continue;
      this.cards.delete(place);
      this.remove(card);
    }
    const started = performance.now();
    let complete = true;
    for (let place = first; place < last; place++) {
      let card = this.cards.get(place);
      if (!card) {
        card = this.spare.pop() ?? this.make();
        this.cards.set(place, card);
        this.put(card, place);
      }
      this.fill(card);
      if (card.drawn === this.drawingOf(card)) continue;
      if (performance.now() - started < MS_FOR_DRAWING) this.draw(card);
      else {
        if (card.drawn) this.clear(card); // it is another pose now
        complete = false;
      }
    }
    this.grid.setAttribute("aria-activedescendant", this.rows.length ? `card-${this.current}` : "");
    if (!complete) this.schedule();
  }

  /** @returns {Card} */
  make() {
    const element = document.createElement("div");
    element.className = "card";
    element.setAttribute("role", "option");
    const canvas = document.createElement("canvas");
    const [mark, folder, value] = ["mark", "folder", "value"].map((name) => {
      const span = document.createElement("span");
      span.className = name;
      return span;
    });
    const caption = document.createElement("p");
    caption.dir = "auto";
    const badges = document.createElement("div"); // below the figure, which they would cover
    badges.className = "badges";
    badges.append(value, mark, folder);
    element.append(canvas, caption, badges);
    return { element, canvas, caption, mark, value, folder, place: -1, drawn: "" };
  }

  /** @param {Card} card */
  remove(card) {
    card.element.remove();
    card.drawn = "";
    this.spare.push(card);
  }

  /** @param {Card} card @param {number} place */
  put(card, place) {
    card.place = place;
    const { element, canvas } = card;
    const [row, column] = [Math.floor(place / this.columns), place % this.columns];
    element.style.transform = `translate(${column * (this.width + GAP)}px, ${row * this.height}px)`;
    element.style.width = `${this.width}px`;
    element.style.height = `${this.height - GAP}px`;
    element.id = `card-${place}`;
    element.dataset.place = String(place);
    element.setAttribute("aria-posinset", String(place + 1));
    const pixels = Math.round(this.width * Math.min(devicePixelRatio, 2));
    if (canvas.width !== pixels) [canvas.width, canvas.height] = [pixels, pixels];
    else this.clear(card);
    this.grid.append(element);
  }

  /** @param {Card} card */
  clear(card) {
    const context = card.canvas.getContext("2d");
    context?.setTransform(1, 0, 0, 1, 0, 0);
    context?.clearRect(0, 0, card.canvas.width, card.canvas.height);
    card.drawn = "";
  }

  /** The texts of a card. @param {Card} card */
  fill(card) {
    const row = this.rows[card.place];
    const { verdict, note, caption } = this.poses;
    card.element.classList.toggle("current", card.place === this.current);
    card.element.setAttribute("aria-selected", String(card.place === this.current));
    const size = String(this.rows.length);
    if (card.element.getAttribute("aria-setsize") !== size) card.element.setAttribute("aria-setsize", size);
    const state = `${row} ${this.poses.digest[row]} ${verdict[row]} ${note[row]} ${this.measure?.key} ${this.groups.get(row)}`;
    if (card.element.dataset.state === state) return;
    card.element.dataset.state = state;
    card.element.dataset.verdict = verdict[row];
    card.element.dataset.group = this.groups.has(row) ? String((this.groups.get(row) ?? 0) % 2) : "";
    card.caption.textContent = caption[row];
    card.caption.title = note[row] ? `${caption[row]}\n${note[row]}` : caption[row];
    card.mark.textContent = (MARKS[verdict[row]] ?? "") + (note[row] ? "✎" : "");
    const value = this.measure ? this.poses.number(this.measure.key, row) : NaN;
    card.value.textContent = !this.measure ? "" : Number.isNaN(value) ? "–" : formatNumber(this.measure, value);
    card.folder.textContent = this.folders.length > 1 ? this.folders[this.poses.folder[row]] : "";
    const words = [caption[row], card.folder.textContent, verdict[row], card.value.textContent];
    card.element.setAttribute("aria-label", words.filter(Boolean).join(", "));
  }

  /** What a card's canvas should show. @param {Card} card */
  drawingOf(card) {
    const row = this.rows[card.place];
    return `${row} ${this.poses.digest[row]} ${card.canvas.width}`;
  }

  /** @param {Card} card */
  draw(card) {
    const joints = this.poses.metres(this.rows[card.place]);
    const view = frame(joints);
    const context = /** @type {CanvasRenderingContext2D} */ (card.canvas.getContext("2d"));
    const scale = card.canvas.width / WINDOW.side;
    const floor = this.floorOf(view, card.canvas.width);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(floor, scale * (view.x - WINDOW.side), scale * (view.y - WINDOW.side));
    context.setTransform(scale, 0, 0, scale, -scale * WINDOW.left, -scale * WINDOW.top);
    paintFigure(context, joints, view, this.theme);
    card.drawn = this.drawingOf(card);
  }

  /** A floor twice as large as a card, which is moved to where the camera looks. @param {View} view @param {number} width */
  floorOf(view, width) {
    const key = `${view.camera.distance} ${view.camera.magnification} ${width}`;
    let floor = this.floors.get(key);
    if (!floor) {
      floor = document.createElement("canvas");
      [floor.width, floor.height] = [2 * width, 2 * width];
      const context = /** @type {CanvasRenderingContext2D} */ (floor.getContext("2d"));
      const scale = width / WINDOW.side;
      context.fillStyle = getComputedStyle(this.grid).getPropertyValue("--figure-background");
      context.fillRect(0, 0, floor.width, floor.height);
      context.setTransform(scale, 0, 0, scale, -scale * WINDOW.left, -scale * WINDOW.top);
      paintFloor(context, { camera: view.camera, x: WINDOW.side, y: WINDOW.side }, this.theme);
      this.floors.set(key, floor);
    }
    return floor;
  }

  /** Go to a place, which comes on the screen. @param {number} place */
  goTo(place) {
    if (!this.rows.length) return;
    this.current = Math.max(0, Math.min(this.rows.length - 1, place));
    const top = Math.floor(this.current / this.columns) * this.height + this.grid.offsetTop;
    const view = this.scroll.clientHeight;
    if (this.current < this.columns) this.scroll.scrollTop = 0;
    else if (top < this.scroll.scrollTop) this.scroll.scrollTop = top - GAP;
    else if (top + this.height > this.scroll.scrollTop + view) this.scroll.scrollTop = top + this.height - view;
    this.update();
  }

  /** Rows of cards on the screen. */
  get rowsOnScreen() {
    return Math.max(1, Math.floor(this.scroll.clientHeight / this.height));
  }
}
