// The mannequin of the pictures on a canvas: its body on a floor, painted far to near, with the pictures' own numbers.
// Pixels are those of a picture 1200 wide, y down.

/** @import { Capsule, Vector } from "./body.js" */
/** @typedef {{axes: [Vector, Vector, Vector], distance: number, magnification: number}} Camera */
/** @typedef {{x: number, y: number, scale: number}} Spot */
/** @typedef {{background: Vector, floor: Vector, grid: Vector, left: Vector, right: Vector, spine: Vector}} Theme */
/** @typedef {{camera: Camera, x: number, y: number}} View Where the camera looks is the pixel (x, y). */

import {
  BODY, COUNT, DOTS, NECK, PARENTS, TORSO, TORSO_DEPTH, TORSO_LIMBS, blend, bodyPoints, cross, dot,
} from "./body.js";

/** Pixels of a picture: its side, and the square of it that is shown, without the room for the caption. */
export const WINDOW = { left: 100, top: 40, side: 1000 };
const PICTURE = 1200;
const DEFAULT_SCALE = 440;
const DEFAULT_DISTANCE = 5.5;
const TARGET_HEIGHT = 0.95;
const FLOOR_LEVEL = PICTURE - 275;
const STAGE = { left: 56, right: 1144, top: 50, bottom: 1010 };
const SLACK = [40, 90];
const MAGNIFICATIONS = [1.6, 1.4, 1.2];
const [WIDE, HIGH] = [960, 690];
const ZOOM_STEP = 1.12;
const OUTLINE = 2.5;
const HIGHLIGHT = { x: -0.26, y: -0.3, size: 0.36 };
/** Layers of the shadow: metres wider than the body, further metres for each metre of height, opacity. */
const SHADOWS = [[0.01, 0.1, 0.07], [0, 0.02, 0.12]];
const FLOOR_RADIUS = 1.6;
const FLOOR_TONES = 12;
const GRID = 0.5;
const GRID_OPACITY = 0.6;

// Camera --------------------------------------------------------------------------------------------------------------

/**
 * A camera `azimuth` degrees to the left of the person's front and `elevation` above the horizontal.
 * @param {number} azimuth @param {number} elevation @param {number} [distance] @param {number} [magnification]
 * @returns {Camera}
 */
export function makeCamera(azimuth, elevation, distance = DEFAULT_DISTANCE, magnification = 1) {
  const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  /** @type {Vector} */
  const right = [Math.cos(a), 0, -Math.sin(a)];
  /** @type {Vector} */
  const towards = [Math.sin(a) * Math.cos(e), Math.sin(e), Math.cos(a) * Math.cos(e)];
  return { axes: [right, cross(towards, right), towards], distance, magnification };
}

/** A point in pixels from where the camera looks, and pixels a metre there. @param {Camera} camera @param {Vector} point */
function project(camera, point) {
  /** @type {Vector} */
  const relative = [point[0], point[1] - TARGET_HEIGHT, point[2]];
  const [right, up, towards] = camera.axes;
  const depth = Math.max(camera.distance - dot(relative, towards), 0.5);
  const scale = (camera.magnification * DEFAULT_SCALE * DEFAULT_DISTANCE) / depth;
  return { x: dot(relative, right) * scale, y: -dot(relative, up) * scale, scale };
}

/** @param {View} view @param {Vector} point @returns {Spot} */
export function spotOf(view, point) {
  const spot = project(view.camera, point);
  return { x: spot.x + view.x, y: spot.y + view.y, scale: spot.scale };
}

/** @param {Vector[]} points @param {Camera} camera */
function boundsOf(points, camera) {
  const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  for (const capsule of BODY) {
    for (const [end, radius] of [[capsule.from, capsule.radii[0]], [capsule.to, capsule.radii[1]]]) {
      const { x, y, scale } = project(camera, points[end]);
      const reach = radius * scale + OUTLINE;
      box.left = Math.min(box.left, x - reach);
      box.right = Math.max(box.right, x + reach);
      box.top = Math.min(box.top, y - reach);
      box.bottom = Math.max(box.bottom, y + reach);
    }
  }
  return box;
}

/** The view of a picture: the nearest with which the body is on its stage; low bodies are magnified.
 * @param {Float32Array} joints @param {number} azimuth @param {number} elevation @returns {View} */
export function frame(joints, azimuth = 30, elevation = 14) {
  const points = bodyPoints(joints);
  let camera = makeCamera(azimuth, elevation);
  let box = boundsOf(points, camera);
  const height = Math.max(box.bottom, project(camera, [0, 0, 0]).y) - box.top;
  const nearest = MAGNIFICATIONS.find((m) => m * (box.right - box.left) <= WIDE && m * height <= HIGH) ?? 1;
  if (nearest > 1) {
    camera = makeCamera(azimuth, elevation, DEFAULT_DISTANCE, nearest);
    box = boundsOf(points, camera);
  }
  for (let zoom = 1; ; zoom++) {
    const aim = { x: PICTURE / 2, y: FLOOR_LEVEL - project(camera, [0, 0, 0]).y };
    const room = [
      STAGE.right - STAGE.left - (box.right - box.left), STAGE.bottom - STAGE.top - (box.bottom - box.top),
    ];
    const off = [
      (STAGE.left + STAGE.right - box.left - box.right) / 2 - aim.x,
      (STAGE.top + STAGE.bottom - box.top - box.bottom) / 2 - aim.y,
    ];
    const shift = off.map((by, axis) => (
      Math.sign(by) * Math.max(Math.abs(by) - Math.min(SLACK[axis], room[axis] / 2), 0)
    ));
    if (Math.min(...room) >= 0 || zoom > 40) return { camera, x: aim.x + shift[0], y: aim.y + shift[1] };
    camera = makeCamera(azimuth, elevation, DEFAULT_DISTANCE * ZOOM_STEP ** zoom);
    box = boundsOf(points, camera);
  }
}

// Colours -------------------------------------------------------------------------------------------------------------

/** @param {Vector} colour @param {Vector} other @param {number} share @returns {Vector} */
const mix = (colour, other, share) => blend(colour, other, 1 - share, share);
/** @type {Vector} */
const WHITE = [255, 255, 255];
/** @param {Vector} colour @param {number} [opacity] */
const css = (colour, opacity = 1) => `rgb(${colour.map(Math.round).join(" ")} / ${opacity})`;

/** The theme of the page: the pictures' colours, light or dark. @param {Element} element @returns {Theme} */
export function themeOf(element) {
  const style = getComputedStyle(element);
  /** @param {string} name @returns {Vector} */
  const colour = (name) => {
    const digits = style.getPropertyValue(`--figure-${name}`).trim().slice(1);
    return /** @type {Vector} */ ([0, 2, 4].map((start) => parseInt(digits.slice(start, start + 2), 16)));
  };
  return {
    background: colour("background"), floor: colour("floor"), grid: colour("grid"), left: colour("left"),
    right: colour("right"), spine: colour("spine"),
  };
}

// Painting ------------------------------------------------------------------------------------------------------------

/** @param {CanvasRenderingContext2D} context @param {Spot} a @param {Spot} b @param {number} r @param {number} s */
function capsulePath(context, a, b, r, s) {
  const axis = Math.atan2(b.y - a.y, b.x - a.x);
  const length = Math.max(Math.hypot(b.x - a.x, b.y - a.y), 1e-9);
  const half = Math.acos(Math.max(-1, Math.min(1, (r - s) / length)));
  context.beginPath();
  context.arc(a.x, a.y, r, axis + half, axis - half + 2 * Math.PI);
  context.arc(b.x, b.y, s, axis - half, axis + half);
  context.closePath();
}

/** The floor and its grid. @param {CanvasRenderingContext2D} context @param {View} view @param {Theme} theme */
export function paintFloor(context, view, theme) {
  /** @param {number} x @param {number} z */
  const onFloor = (x, z) => spotOf(view, [x, 0, z]);
  for (let tone = 0; tone < FLOOR_TONES; tone++) {
    const radius = FLOOR_RADIUS * Math.sqrt(1 - tone / FLOOR_TONES);
    context.beginPath();
    for (let point = 0; point < 64; point++) {
      const angle = (point * Math.PI) / 32;
      const { x, y } = onFloor(radius * Math.cos(angle), radius * Math.sin(angle));
      if (point) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
    context.fillStyle = css(mix(theme.background, theme.floor, (tone + 1) / FLOOR_TONES));
    context.fill();
  }
  context.lineWidth = 1.4;
  for (let line = -1.5; line <= 1.5; line += GRID) {
    for (let start = -FLOOR_RADIUS; start < FLOOR_RADIUS; start += GRID / 4) {
      const distance = Math.hypot(start + GRID / 8, line) / FLOOR_RADIUS;
      if (distance >= 1) continue;
      context.strokeStyle = css(theme.grid, GRID_OPACITY * (1 - distance ** 2) ** 1.2);
      for (const along of [true, false]) {
        const [a, b] = [start, start + GRID / 4].map((end) => (along ? onFloor(end, line) : onFloor(line, end)));
        context.beginPath();
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
        context.stroke();
      }
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {Vector[]} points @param {View} view */
function paintShadows(context, points, view) {
  const parts = BODY.filter((capsule) => capsule.lit);
  parts.push({ from: 0, to: NECK, radii: [0.085, 0.08], side: "spine", tone: "base", lit: true });
  for (const [wider, softness, opacity] of SHADOWS) {
    context.beginPath();
    for (const { from, to, radii } of parts) {
      const ends = [from, to].map((end, index) => ({
        x: points[end][0], y: points[end][2], reach: radii[index] + wider + softness * Math.max(points[end][1], 0),
      }));
      const axis = Math.atan2(ends[1].y - ends[0].y, ends[1].x - ends[0].x);
      const length = Math.max(Math.hypot(ends[1].x - ends[0].x, ends[1].y - ends[0].y), 1e-9);
      const half = Math.acos(Math.max(-1, Math.min(1, (ends[0].reach - ends[1].reach) / length)));
      for (let point = 0; point < 20; point++) {
        const second = point >= 10;
        const share = (point % 10) / 9;
        const angle = axis + (second ? -half + 2 * half * share : half + (2 * Math.PI - 2 * half) * share);
        const end = ends[second ? 1 : 0];
        const spot = spotOf(view, [end.x + end.reach * Math.cos(angle), 0, end.y + end.reach * Math.sin(angle)]);
        if (point) context.lineTo(spot.x, spot.y);
        else context.moveTo(spot.x, spot.y);
      }
      context.closePath();
    }
    context.fillStyle = `rgb(0 0 0 / ${opacity})`;
    context.fill();
  }
}

/** @param {CanvasRenderingContext2D} context @param {Spot[]} spots @param {Record<string, string>} colours */
function paintTorso(context, spots, colours) {
  /** @param {number} wider @param {number} right @param {number} down */
  const outline = (wider, right, down) => {
    context.beginPath();
    for (let point = 0; point < 28; point++) {
      const angle = (point * Math.PI) / 14;
      const [u, v] = [Math.cos(angle), Math.sin(angle)];
      let [x, y, farthest] = [0, 0, -Infinity];
      for (const [joint, radius] of TORSO) {
        const spot = spots[joint];
        const reach = radius * spot.scale;
        const distance = u * spot.x + v * spot.y + reach;
        if (distance > farthest) [x, y, farthest] = [spot.x + reach * u, spot.y + reach * v, distance];
      }
      context.lineTo(x + wider * u + right, y + wider * v + down);
    }
    context.closePath();
  };
  outline(OUTLINE, 0, 0);
  context.fillStyle = colours.edge;
  context.fill();
  outline(0, 0, 0);
  context.fillStyle = colours.base;
  context.fill();
  outline(-3 * OUTLINE, -OUTLINE, -OUTLINE);
  context.fillStyle = colours.light;
  context.fill();
}

/** The figure and its shadow; returns where its joints are. @param {CanvasRenderingContext2D} context
 * @param {Float32Array} joints @param {View} view @param {Theme} theme @returns {Spot[]} */
export function paintFigure(context, joints, view, theme) {
  const points = bodyPoints(joints);
  const spots = points.map((point) => spotOf(view, point));
  paintShadows(context, points, view);
  const { magnification, distance } = view.camera;
  const full = magnification * DEFAULT_SCALE * DEFAULT_DISTANCE;
  /** @param {Capsule} capsule */
  const depthOf = ({ from, to }) => (2 * full) / (spots[from].scale + spots[to].scale);
  /** @type {Map<number, number>} Depth of each limb by the joint that it ends in. */
  const limbs = new Map(BODY.slice(0, COUNT - 1).map((capsule) => [capsule.to, depthOf(capsule)]));
  /** @param {number} joint */
  const nearestLimb = (joint) => Math.min(
    ...[...limbs].filter(([end]) => end === joint || PARENTS[end] === joint).map(([, depth]) => depth),
  );
  /** @type {{depth: number, capsule: Capsule | null}[]} */
  const shapes = [
    { depth: Math.max(...TORSO_LIMBS.map((joint) => limbs.get(joint) ?? 0)) + TORSO_DEPTH, capsule: null },
    ...BODY.map((capsule) => ({ depth: depthOf(capsule), capsule })),
    ...DOTS.map((capsule) => ({ depth: Math.min(depthOf(capsule), nearestLimb(capsule.from) - 1e-6), capsule })),
  ];
  shapes.sort((a, b) => b.depth - a.depth);
  for (const { depth, capsule } of shapes) {
    const fog = Math.max(0, Math.min(0.36, (depth - distance) * 0.3));
    const side = capsule ? theme[capsule.side] : mix(theme.spine, theme.floor, 0.62);
    /** @param {Vector} colour */
    const shade = (colour) => css(mix(colour, theme.background, fog));
    const tones = {
      edge: shade(mix(side, [0, 0, 0], 0.45)), base: shade(side), light: shade(mix(side, WHITE, 0.28)),
      face: shade(mix(side, WHITE, 0.5)), dot: shade(mix(side, WHITE, 0.82)),
    };
    if (!capsule) {
      paintTorso(context, spots, tones);
      continue;
    }
    const [a, b] = [spots[capsule.from], spots[capsule.to]];
    const [r, s] = [capsule.radii[0] * a.scale, capsule.radii[1] * b.scale];
    capsulePath(context, a, b, r + OUTLINE, s + OUTLINE);
    context.fillStyle = tones.edge;
    context.fill();
    capsulePath(context, a, b, r, s);
    context.fillStyle = tones[capsule.tone];
    context.fill();
    if (capsule.lit) {
      const [p, q] = [[a, r], [b, s]].map(([spot, radius]) => {
        const { x, y, scale } = /** @type {Spot} */ (spot);
        const by = /** @type {number} */ (radius);
        return { x: x + HIGHLIGHT.x * by, y: y + HIGHLIGHT.y * by, scale };
      });
      capsulePath(context, p, q, HIGHLIGHT.size * r, HIGHLIGHT.size * s);
      context.fillStyle = tones.light;
      context.fill();
    }
  }
  return spots.slice(0, COUNT);
}

/** Floor, shadow and figure on the whole of a canvas. @param {HTMLCanvasElement} canvas @param {Float32Array} joints
 * @param {View} view @param {Theme} theme @returns {Spot[]} */
export function paintPicture(canvas, joints, view, theme) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scale = Math.min(canvas.width, canvas.height) / WINDOW.side;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = css(theme.background);
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(
    scale, 0, 0, scale, canvas.width / 2 - scale * (WINDOW.left + WINDOW.side / 2),
    canvas.height / 2 - scale * (WINDOW.top + WINDOW.side / 2),
  );
  paintFloor(context, view, theme);
  return paintFigure(context, joints, view, theme);
}
