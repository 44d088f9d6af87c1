// Verdicts and notes: shown at once, sent to the server, sent again where that failed, and taken back.

/** @import { Poses } from "./poses.js" */
/** @typedef {{row: number, digest: string, verdict: string, note: string}} Review */

const SECONDS_UNTIL_AGAIN = 2;
const REVIEWS_AT_ONCE = 500;
const BAD_REQUEST = 400;

export class Reviews {
  /**
   * @param {Poses} poses
   * @param {(row: number) => void} onChange called when a pose's review has changed
   * @param {(problem: string) => void} onProblem called with what is wrong, and with "" once it is not
   */
  constructor(poses, onChange, onProblem) {
    this.poses = poses;
    this.onChange = onChange;
    this.onProblem = onProblem;
    /** @type {Review[]} What there was before each change. */
    this.undoable = [];
    /** @type {Map<number, Review>} By row what the server does not know yet. */
    this.unsent = new Map();
    /** @type {Map<number, {review: Review, revision: number}>} By row what the server knows since a revision. */
    this.sent = new Map();
    this.sending = false;
  }

  /** @param {number} row @returns {Review} */
  of(row) {
    const { digest, verdict, note } = this.poses;
    return { row, digest: digest[row], verdict: verdict[row], note: note[row] };
  }

  /** Give a verdict; the same again takes it back. @param {number} row @param {string} verdict */
  judge(row, verdict) {
    const before = this.of(row);
    this.change({ ...before, verdict: before.verdict === verdict ? "" : verdict });
  }

  /** @param {number} row @param {string} note */
  annotate(row, note) {
    if (note !== this.poses.note[row]) this.change({ ...this.of(row), note });
  }

  /** @param {Review} review */
  change(review) {
    this.undoable.push(this.of(review.row));
    this.apply(review);
  }

  /** Take back the last change; returns its row. @returns {number | null} */
  undo() {
    const before = this.undoable.pop();
    if (!before) return null;
    if (before.digest === this.poses.digest[before.row]) this.apply(before);
    return before.row;
  }

  /** @param {Review} review */
  apply(review) {
    this.poses.verdict[review.row] = review.verdict;
    this.poses.note[review.row] = review.note;
    this.unsent.set(review.row, review);
    this.onChange(review.row);
    void this.send();
  }

  /** What this page said counts more than a block from before the server knew it. @param {number} revision the block's */
  keepOwn(revision) {
    for (const [row, { review, revision: since }] of this.sent) {
      if (revision >= since) this.sent.delete(row);
      else this.keep(review);
    }
    for (const review of this.unsent.values()) this.keep(review);
  }

  /** @param {Review} review */
  keep({ row, digest, verdict, note }) {
    if (digest !== this.poses.digest[row]) return;
    this.poses.verdict[row] = verdict;
    this.poses.note[row] = note;
  }

  /** Send all that is unsent, in the background, until it has arrived. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.unsent.size) {
      const reviews = [...this.unsent.values()].slice(0, REVIEWS_AT_ONCE);
      const body = reviews.map(({ row, digest, verdict, note }) => ({ id: row, digest, verdict, note }));
      try {
        const answer = await fetch("reviews", {
          method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true,
        });
        if (!answer.ok && answer.status !== BAD_REQUEST) throw new Error(await answer.text());
        const known = answer.ok ? await answer.json() : null;
        for (const review of reviews) {
          if (known) this.sent.set(review.row, { review, revision: known.revision });
          if (this.unsent.get(review.row) === review) this.unsent.delete(review.row);
        }
        this.onProblem(answer.ok ? "" : "A pose that you reviewed no longer exists");
      } catch (error) {
        this.onProblem(`Verdicts are not saved yet: ${error instanceof Error ? error.message : error}`);
        await new Promise((resolve) => setTimeout(resolve, 1000 * SECONDS_UNTIL_AGAIN));
      }
    }
    this.sending = false;
  }
}
