// The poses that the page knows, in columns: row n is the pose of number n.

/** @typedef {{key: string, label: string, unit: string, worst_high: boolean, decimals: number,
 *   bound: number | null}} Measure */
/**
 * @typedef {object} Settings
 * @property {string[]} folders
 * @property {Measure[]} measures
 * @property {string[]} retry by folder the command that makes its rejected poses again
 * @property {boolean} served whether there is a server, which keeps verdicts
 * @property {string[]} exports formats in which one pose can be had
 * @property {string | null} pictures where pictures are, of a page without a server
 * @property {number[][] | null} duplicates
 */
/**
 * @typedef {object} Block
 * @property {number} revision
 * @property {boolean} more
 * @property {boolean} complete
 * @property {number} found
 * @property {number[]} ids
 * @property {number[]} folder
 * @property {string[]} name
 * @property {string[]} caption
 * @property {string[]} digest
 * @property {string} joints
 * @property {number[]} picture
 * @property {number[]} removed
 * @property {string[]} verdict
 * @property {string[]} note
 * @property {Record<string, (string | null)[]>} categories
 * @property {Record<string, (number | null)[]>} numbers
 * @property {Record<string, string[]>} words
 * @property {string[]} [before] joints of the rejected poses in whose place each is
 * @property {(number | null)[][]} [agreement_before] how well each of these agreed with the caption
 * @property {{finished: number, total: number, failed: number, rate: number, seconds_left: number} | null} [progress]
 * @property {string} [problem]
 */

const NUMBERS = 66;
const METRES = 0.001;

export class Poses {
  constructor() {
    this.count = 0;
    this.present = 0;
    /** @type {string[]} */ this.name = [];
    /** @type {string[]} */ this.caption = [];
    /** @type {string[]} */ this.text = [];
    /** @type {string[]} */ this.digest = [];
    /** @type {string[]} */ this.verdict = [];
    /** @type {string[]} */ this.note = [];
    /** @type {number[]} */ this.folder = [];
    /** @type {boolean[]} */ this.picture = [];
    /** @type {boolean[]} */ this.removed = [];
    /** @type {Map<string, (string | null)[]>} */ this.categories = new Map();
    /** @type {Map<string, Float32Array>} */ this.numbers = new Map();
    /** @type {Map<string, string[]>} */ this.words = new Map();
    /** @type {Map<number, Int16Array>} By row the joints of the rejected poses in whose place it is. */
    this.before = new Map();
    /** @type {Map<number, (number | null)[]>} By row how well each of these agreed with the caption. */
    this.agreementBefore = new Map();
    /** @type {Map<string, number[]>} Rows by caption. */ this.rows = new Map();
    this.joints = new Int16Array(0);
  }

  /** Take over a block; returns how many poses are new, and how many were made again. @param {Block} block */
  add(block) {
    let [added, remade] = [0, 0];
    this.reserve(Math.max(this.count, ...block.ids.map((id) => id + 1)));
    const joints = decode(block.joints);
    for (const [place, row] of block.ids.entries()) {
      if (this.name[row] === undefined) {
        added++;
        const same = this.rows.get(block.caption[place]);
        if (same) same.push(row);
        else this.rows.set(block.caption[place], [row]);
      } else if (this.digest[row] !== block.digest[place]) remade++;
      this.name[row] = block.name[place];
      this.caption[row] = block.caption[place];
      this.text[row] = `${block.caption[place]}\n${block.name[place]}`.normalize().toLowerCase();
      this.digest[row] = block.digest[place];
      this.verdict[row] = block.verdict[place];
      this.note[row] = block.note[place];
      this.folder[row] = block.folder[place];
      this.picture[row] = Boolean(block.picture[place]);
      this.present += Number(this.removed[row] ?? true) - block.removed[place];
      this.removed[row] = Boolean(block.removed[place]);
      this.joints.set(joints.subarray(NUMBERS * place, NUMBERS * (place + 1)), NUMBERS * row);
      if (block.before?.[place]) {
        this.before.set(row, decode(block.before[place]));
        this.agreementBefore.set(row, block.agreement_before?.[place] ?? []);
      } else this.before.delete(row);
      this.count = Math.max(this.count, row + 1);
    }
    for (const [key, values] of Object.entries(block.numbers)) this.addNumbers(key, block.ids, values);
    for (const [key, values] of Object.entries(block.categories)) put(this.categories, key, block.ids, values);
    for (const [key, values] of Object.entries(block.words)) put(this.words, key, block.ids, values);
    return { added, remade };
  }

  /** @param {string} key @param {number[]} rows @param {(number | null)[]} values */
  addNumbers(key, rows, values) {
    let column = this.numbers.get(key);
    if (!column) {
      column = new Float32Array(this.joints.length / NUMBERS).fill(NaN);
      this.numbers.set(key, column);
    }
    for (const [place, row] of rows.entries()) column[row] = values[place] ?? NaN;
  }

  /** Make room for rows; twice as much as before, so that it is rare. @param {number} rows */
  reserve(rows) {
    const capacity = this.joints.length / NUMBERS;
    if (rows <= capacity) return;
    const size = Math.max(rows, 2 * capacity, 1024);
    const joints = new Int16Array(size * NUMBERS);
    joints.set(this.joints);
    this.joints = joints;
    for (const [key, column] of this.numbers) {
      const larger = new Float32Array(size).fill(NaN);
      larger.set(column);
      this.numbers.set(key, larger);
    }
  }

  /** Joints in metres. @param {number} row */
  metres(row) {
    return inMetres(this.joints, row);
  }

  /** The rejected poses in whose place one is, the latest first: their joints in metres, and how well they agreed with
   * the caption, NaN where that is not known. @param {number} row */
  rejectedBefore(row) {
    const joints = this.before.get(row) ?? new Int16Array(0);
    const agreement = this.agreementBefore.get(row) ?? [];
    return Array.from({ length: joints.length / NUMBERS }, (_, place) => (
      { joints: inMetres(joints, place), agreement: agreement[place] ?? NaN }
    )).reverse();
  }

  /** @param {string} key @param {number} row */
  number(key, row) {
    return this.numbers.get(key)?.[row] ?? NaN;
  }

  /** The other poses of a pose's caption: further ones of its prompt, and those of other folders. @param {number} row */
  othersOf(row) {
    return (this.rows.get(this.caption[row]) ?? []).filter((other) => other !== row && !this.removed[other]);
  }
}

/** @param {Int16Array} joints of poses @param {number} place of one */
function inMetres(joints, place) {
  return Float32Array.from(joints.subarray(NUMBERS * place, NUMBERS * (place + 1)), (value) => value * METRES);
}

/** @template T @param {Map<string, T[]>} columns @param {string} key @param {number[]} rows @param {T[]} values */
function put(columns, key, rows, values) {
  let column = columns.get(key);
  if (!column) {
    column = [];
    columns.set(key, column);
  }
  for (const [place, row] of rows.entries()) column[row] = values[place];
}

/** Base64 to int16, little-endian. @param {string} text */
function decode(text) {
  const bytes = atob(text);
  const values = new Int16Array(bytes.length / 2);
  for (let place = 0; place < values.length; place++) {
    values[place] = bytes.charCodeAt(2 * place) | (bytes.charCodeAt(2 * place + 1) << 8);
  }
  return values;
}

/** A number as the page writes it. @param {Measure} measure @param {number} value */
export function formatNumber(measure, value) {
  return value.toLocaleString("en", { minimumFractionDigits: measure.decimals, maximumFractionDigits: measure.decimals })
    + (measure.unit ? ` ${measure.unit}` : "");
}
