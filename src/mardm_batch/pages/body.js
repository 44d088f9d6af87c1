// The body of the mannequin of the pictures: capsules between joints and points of the head.
// Joints are 66 numbers in metres, Y up, left +X, facing +Z.

/** @typedef {[number, number, number]} Vector */

export const JOINT_NAMES = [
  "pelvis", "left hip", "right hip", "spine 1", "left knee", "right knee", "spine 2", "left ankle", "right ankle",
  "spine 3", "left foot", "right foot", "neck", "left collar", "right collar", "head", "left shoulder",
  "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
];
export const PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19];
const MIRROR = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20];
export const COUNT = JOINT_NAMES.length;
export const NECK = 12;
const HEAD = 15;
const LEFT_SHOULDER = 16;
const RIGHT_SHOULDER = 17;

const DOT_RADIUS = 0.023;
const REST_ANGLE = (21.2 * Math.PI) / 180;

/** @type {Record<string, [number, number]>} Radii of the limb that ends in a joint, at its parent and at the joint. */
const LIMB_RADII = {
  hip: [0.036, 0.046], knee: [0.06, 0.046], ankle: [0.046, 0.032], foot: [0.035, 0.03], shoulder: [0.034, 0.042],
  elbow: [0.045, 0.037], wrist: [0.037, 0.028],
};
/** @type {[number, number]} */
const TRUNK_RADII = [0.034, 0.034];
/** @type {[number, number][]} Metres above and in front of the head joint: crown, ends of the face and of the nose. */
const HEAD_POINTS = [[0.078, 0], [-0.008, 0.036], [0.072, 0.034], [0.036, 0.078], [0.022, 0.116]];
export const TORSO = [[16, 0.055], [17, 0.055], [1, 0.075], [2, 0.075], [NECK, 0.045]];
export const TORSO_LIMBS = [16, 17, 1, 2, 12, 13, 14, 3, 6, 9];
const TRUNK = [1, 2, 3, 6, 9, 13, 14, 12, 15];
export const TORSO_DEPTH = 0.08;

/**
 * @typedef {object} Capsule
 * @property {number} from index of the point at one end; those of the head follow the joints
 * @property {number} to
 * @property {[number, number]} radii metres at both ends
 * @property {"left" | "right" | "spine"} side
 * @property {"base" | "face" | "dot"} tone
 * @property {boolean} lit whether it has a highlight and casts a shadow
 */

/** @param {number} joint @returns {"left" | "right" | "spine"} */
function sideOf(joint) {
  const name = JOINT_NAMES[joint];
  return name.startsWith("left") ? "left" : name.startsWith("right") ? "right" : "spine";
}

/** @type {Capsule[]} Limbs, skull, face, nose. */
export const BODY = JOINT_NAMES.slice(1).map((name, index) => {
  const joint = index + 1;
  const radii = LIMB_RADII[name.replace(/^(left|right) /, "")] ?? TRUNK_RADII;
  return { from: PARENTS[joint], to: joint, radii, side: sideOf(joint), tone: "base", lit: !TRUNK.includes(joint) };
});
BODY.push({ from: HEAD, to: COUNT, radii: [0.074, 0.09], side: "spine", tone: "base", lit: true });
BODY.push({ from: COUNT + 1, to: COUNT + 2, radii: [0.056, 0.068], side: "spine", tone: "face", lit: false });
BODY.push({ from: COUNT + 3, to: COUNT + 4, radii: [0.024, 0.015], side: "spine", tone: "base", lit: false });
/** @type {Capsule[]} */
export const DOTS = JOINT_NAMES.map((_, joint) => joint).filter((joint) => joint !== HEAD).map((joint) => (
  { from: joint, to: joint, radii: [DOT_RADIUS, DOT_RADIUS], side: sideOf(joint), tone: "dot", lit: false }
));

// Vectors -------------------------------------------------------------------------------------------------------------

/** @param {Vector} a @param {Vector} b */
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {Vector} a @param {Vector} b @param {number} p @param {number} q @returns {Vector} p a + q b */
export const blend = (a, b, p, q) => [p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]];
/** @param {Vector} a @param {Vector} b @returns {Vector} */
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
/** @param {Vector} a @returns {Vector} */
function unit(a) {
  const length = Math.max(Math.hypot(a[0], a[1], a[2]), 1e-6);
  return [a[0] / length, a[1] / length, a[2] / length];
}
/** @param {Float32Array} joints @param {number} joint @returns {Vector} */
const at = (joints, joint) => [joints[3 * joint], joints[3 * joint + 1], joints[3 * joint + 2]];

/** The mirror image at x = 0: left and right are exchanged. @param {Float32Array} joints */
export function mirrored(joints) {
  const image = new Float32Array(joints.length);
  for (let joint = 0; joint < COUNT; joint++) {
    const [x, y, z] = at(joints, MIRROR[joint]);
    image.set([-x, y, z], 3 * joint);
  }
  return image;
}

/** The joints and the points of the head. @param {Float32Array} joints @returns {Vector[]} */
export function bodyPoints(joints) {
  const points = JOINT_NAMES.map((_, joint) => at(joints, joint));
  const bone = unit(blend(points[HEAD], points[NECK], 1, -1));
  const across = unit(blend(points[LEFT_SHOULDER], points[RIGHT_SHOULDER], 1, -1));
  const offset = dot(across, bone);
  const side = unit(blend(across, bone, 1, -offset));
  const ahead = cross(side, bone);
  const turn = 0.5 * Math.asin(Math.max(-1, Math.min(1, offset / Math.sin(REST_ANGLE))));
  const turned = blend(ahead, side, Math.cos(turn), Math.sin(turn));
  const up = blend(bone, turned, Math.cos(REST_ANGLE), -Math.sin(REST_ANGLE));
  const front = blend(turned, bone, Math.cos(REST_ANGLE), Math.sin(REST_ANGLE));
  for (const [above, before] of HEAD_POINTS) {
    points.push(blend(points[HEAD], blend(up, front, above, before), 1, 1));
  }
  return points;
}
