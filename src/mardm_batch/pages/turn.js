// One figure that is turned by mouse, touch and arrow keys.

import { frame, makeCamera, paintPicture, themeOf } from "./figure.js";

const STEP = 10;
const DEGREES_PER_PIXEL = 0.4;
const [LOWEST, HIGHEST] = [-5, 85];

const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("figure"));
const joints = Float32Array.from(JSON.parse(document.getElementById("joints")?.textContent ?? "[]"));
const first = frame(joints);
let [azimuth, elevation] = [30, 14];

function draw() {
  const ratio = Math.min(devicePixelRatio, 2);
  [canvas.width, canvas.height] = [canvas.clientWidth, canvas.clientHeight].map((length) => Math.round(length * ratio));
  const { distance, magnification } = first.camera;
  const camera = makeCamera(azimuth, elevation, distance, magnification);
  if (canvas.width && canvas.height) paintPicture(canvas, joints, { ...first, camera }, themeOf(canvas));
  canvas.dataset.view = `${Math.round(azimuth)} ${Math.round(elevation)}`;
}

/** @param {number} across @param {number} up degrees */
function turn(across, up) {
  azimuth = (azimuth + across + 540) % 360 - 180;
  elevation = Math.max(LOWEST, Math.min(HIGHEST, elevation + up));
  requestAnimationFrame(draw);
}

canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
canvas.addEventListener("pointermove", (event) => {
  if (event.buttons) turn(-event.movementX * DEGREES_PER_PIXEL, event.movementY * DEGREES_PER_PIXEL);
});
canvas.addEventListener("keydown", (event) => {
  const turns = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP],
  });
  if (!(event.key in turns)) return;
  turn(...turns[event.key]);
  event.preventDefault();
});
new ResizeObserver(draw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
