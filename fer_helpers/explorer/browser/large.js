// One clip's key frames, large, one after the other.

const FRAME_MS = 350;

class Large {
  constructor(explorer) {
    this.explorer = explorer;
    this.asked = 0;
  }

  /** Show the small strip at once, and the large one when Python sends it. */
  open(clip, url) {
    const name = `frames of ${shortened(this.explorer.data.clips[clip])}`;
    this.at = 0;
    this.n = 1;
    this.tile = el("div", { class: "fer-tile", role: "img", "aria-label": name, ...test("tile") });
    this.place = el("span", { "aria-live": "polite" });
    this.playing = button("▶ play", () => this.play(), test("play"));
    const step = (by, words, label) => button(words, () => this.step(by), { "aria-label": label });
    this.dialog = el("dialog", { class: "fer-dialog", "aria-label": name, onclose: () => this.closed(),
      onkeydown: (event) => this.key(event) },
    el("header", {}, el("b", { class: "fer-id" }, shortened(this.explorer.data.clips[clip])),
      button("✕ close", () => this.dialog.close(), test("close"))),
    this.tile,
    el("footer", {}, step(-1, "◀", "previous frame"), this.playing, step(1, "▶", "next frame"), this.place));
    this.explorer.root.append(this.dialog);
    this.dialog.showModal();
    this.picture(url);
    this.asked++;
    this.explorer.model.send({ type: "large", id: this.asked, clip, series: this.explorer.view.a });
  }

  hear({ id, url }) {
    if (!this.dialog || id !== this.asked || !url) return URL.revokeObjectURL(url);
    this.large = url;
    this.picture(url);
  }

  /** Frames stand beside each other in one picture: as many as it is times wider than high. */
  async picture(url) {
    const image = el("img", { src: url });
    await image.decode().catch(() => {});
    if (!this.dialog || !image.naturalHeight) return;
    this.n = Math.round(image.naturalWidth / image.naturalHeight);
    this.tile.style.backgroundImage = `url("${url}")`;
    this.tile.style.backgroundSize = `${100 * this.n}% 100%`;
    this.tile.dataset.height = image.naturalHeight;
    this.show(this.at);
  }

  show(at) {
    this.at = (at + this.n) % this.n;
    this.tile.style.backgroundPosition = `${this.n > 1 ? (100 * this.at) / (this.n - 1) : 0}% 0`;
    this.place.textContent = `frame ${this.at + 1} of ${this.n}`;
  }

  step(by) {
    this.stop();
    this.show(this.at + by);
  }

  play() {
    if (this.timer) return this.stop();
    this.playing.textContent = "❚❚ pause";
    this.timer = setInterval(() => this.show(this.at + 1), FRAME_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.dialog) this.playing.textContent = "▶ play";
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) this.step(by);
    event.stopPropagation();
  }

  closed() {
    this.stop();
    URL.revokeObjectURL(this.large);
    this.dialog.remove();
    this.dialog = null;
  }
}
