// Key frames one after the other: they stand beside each other in one picture, of which a tile shows one.

const FRAME_MS = 350;

class Player {
  constructor(name) {
    this.n = 1;
    this.at = 0;
    this.tile = el("div", { class: "fer-tile", role: "img", "aria-label": name, ...test("tile") });
    this.place = el("span", { "aria-live": "polite" });
    this.playing = button("▶ play", () => this.toggle(), test("play"));
    const step = (by, words, label) => button(words, () => this.step(by), { "aria-label": label });
    this.controls = [step(-1, "◀", "previous frame"), this.playing, step(1, "▶", "next frame"), this.place];
  }

  /** Show this picture; as many frames as it is times wider than high. */
  async picture(url) {
    this.url = url;
    const image = el("img", { src: url });
    await image.decode().catch(() => {});
    if (this.url !== url || !image.naturalHeight) return;
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

  toggle() {
    if (this.timer) this.stop();
    else this.play();
  }

  play() {
    this.stop();
    this.playing.textContent = "❚❚ pause";
    this.place.setAttribute("aria-live", "off");
    this.timer = setInterval(() => this.show(this.at + 1), FRAME_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.playing.textContent = "▶ play";
    this.place.setAttribute("aria-live", "polite");
  }

  /** Forget the picture; one that is on its way will not be shown. */
  end() {
    this.stop();
    this.url = null;
    this.tile.style.backgroundImage = "none";
  }
}
