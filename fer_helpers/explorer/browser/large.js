// One clip's key frames, large, one after the other.

class Large {
  constructor(explorer) {
    this.explorer = explorer;
    this.asked = 0;
  }

  /** Show the small strip at once, and the large one when Python sends it. */
  open(clip, url) {
    const id = shortened(this.explorer.data.clips[clip]);
    const name = `frames of ${id}`;
    this.player = new Player(name);
    this.dialog = el("dialog", { class: "fer-dialog", "aria-label": name, onclose: () => this.closed(),
      onkeydown: (event) => this.key(event) },
    el("header", {}, el("b", { class: "fer-id" }, id), button("✕ close", () => this.dialog.close(), test("close"))),
    this.player.tile,
    el("footer", {}, ...this.player.controls));
    this.explorer.root.append(this.dialog);
    this.dialog.showModal();
    this.player.picture(url);
    this.asked++;
    this.explorer.model.send({ type: "large", id: this.asked, clip, series: this.explorer.view.a });
  }

  hear({ id, url }) {
    if (!this.dialog || id !== this.asked || !url) return URL.revokeObjectURL(url);
    this.large = url;
    this.player.picture(url);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) this.player.step(by);
    event.stopPropagation();
  }

  stop() { this.player?.end(); }

  closed() {
    this.stop();
    URL.revokeObjectURL(this.large);
    this.dialog.remove();
    this.dialog = null;
  }
}
