// The dialog that says how rejected poses are made again, and how many have been since.

/** @import { Poses } from "./poses.js" */
import { byId, copy } from "./large.js";

const TITLE = "Make the rejected poses again";

export class Retry {
  /** @param {Poses} poses @param {string[]} commands by folder */
  constructor(poses, commands) {
    this.poses = poses;
    this.commands = commands;
    /** @type {HTMLDialogElement} */ this.dialog = byId("retry");
    /** @type {Map<number, string>} By row the digests of the poses that were rejected when the dialog was opened. */
    this.rejected = new Map();
    const [command, button] = [byId("retry-command"), byId("copy-retry")];
    button.addEventListener("click", () => void copy(command.textContent ?? "", command, button));
  }

  show() {
    const { count, digest, folder, removed, verdict } = this.poses;
    this.rejected.clear();
    for (let row = 0; row < count; row++) {
      if (verdict[row] === "reject" && !removed[row]) this.rejected.set(row, digest[row]);
    }
    const folders = new Set([...this.rejected.keys()].map((row) => folder[row]));
    const commands = this.commands.filter((_, number) => folders.has(number)).join("\n");
    byId("retry-command").textContent = commands;
    byId("retry-settings").hidden = !commands.includes("…");
    this.showMade();
    this.dialog.showModal();
  }

  /** How many of them have been made again; once all have, nothing else. */
  showMade() {
    const { digest, removed } = this.poses;
    const made = [...this.rejected].filter(([row, rejected]) => digest[row] !== rejected && !removed[row]).length;
    const all = this.rejected.size;
    const complete = made > 0 && made === all;
    const words = `${made.toLocaleString("en")} made again`;
    byId("retry-title").textContent = complete ? words : TITLE;
    byId("retry-made").textContent = made && !complete ? `${words} of ${all.toLocaleString("en")}` : "";
    byId("retry-how").hidden = byId("copy-retry").hidden = complete;
  }
}
