// The labelling view: one clip at a time, its key frames and the labels to choose from. Python says which clip is next;
// the browser knows clips by their numbers in the queue only, and nothing of what a model says of them.

const CANNOT_TELL = "cannot tell";
const SKIP = "skip";
const NAME = "fer-helpers reviewer"; // where the browser keeps the name
const PATIENCE_MS = 8000;
const NO_ANSWER = "No answer: is the page still served? What you labelled before is kept; reload the page to go on.";
const CALM = "(prefers-reduced-motion: reduce)";

class Labelling {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.labels = model.get("_labels");
    this.byToken = model.get("_by_token") ?? false; // a rater is who has the token, and gives no name
    this.asked = 0; // number of the latest request; answers to others come too late
    this.back = 0; // how many labels before the latest one is shown; 0: what is to be labelled
    this.build();
    this.hearing = (message, buffers) => this.hear(message, buffers);
    this.typing = (event) => this.key(event);
    model.on("msg:custom", this.hearing);
    document.addEventListener("keydown", this.typing);
  }

  // - the page

  build() {
    const { root } = this;
    root.classList.add("fer-explorer", "fer-labelling");
    root.dataset.testid = "fer-labelling";
    // Or JupyterLab takes a letter for a command: see explorer.js.
    root.addEventListener("focusin", (event) => { event.target.dataset.lmSuppressShortcuts = "true"; });
    root.dataset.lmSuppressShortcuts = "true";
    this.problem = el("div", { class: "fer-problem", role: "alert", ...test("problem") });
    root.append(el("div", { class: "fer-frame" }, this.entrance(), this.workplace(), this.problem));
  }

  /** Who labels is asked first. */
  entrance() {
    const [asked, how, filled] = this.byToken ? ["Token", "Type the token that you were given", this.model.token]
      : ["Name", "Give the same name each time", kept(NAME)];
    this.name = el("input", { type: "text", maxlength: 100, required: true, autocomplete: this.byToken ? "off" : "name",
      autocapitalize: "off", spellcheck: "false", value: filled, ...test("reviewer"),
      onkeydown: (event) => { // in JupyterLab Enter ends nothing that is typed
        if (event.key !== "Enter") return;
        event.preventDefault();
        this.start.requestSubmit();
      } });
    this.start = el("form", { class: "fer-start", onsubmit: (event) => this.enter(event) },
      el("h2", {}, "Who labels?"),
      el("p", {}, `${how}: you continue where you stopped. Nobody is shown another's labels.`),
      el("label", {}, `${asked} `, this.name), " ",
      el("button", { type: "submit", ...test("start") }, "Start"));
    return this.start;
  }

  workplace() {
    this.player = new Player("key frames of the clip");
    this.none = el("p", { hidden: true, ...test("no-frames") }, "This clip has no key frames: say that you cannot tell.");
    this.player.playing.setAttribute("aria-keyshortcuts", "p");
    this.player.playing.title = "key p or space";
    this.keys = new Map([["p", () => this.player.toggle()]]);
    this.controls = el("div", { class: "fer-controls" }, ...this.player.controls);
    this.clip = el("div", { class: "fer-clip" }, this.player.tile, this.none, this.controls);
    this.buttons = new Map();
    const give = (label, keys, words = label) => {
      const made = this.keyed(words, keys, (event) => this.say(label, event), `label-${label}`);
      this.buttons.set(label, made);
      return made;
    };
    const labels = this.labels.map((label, at) => give(label, [String(at + 1)]));
    this.earlier = this.keyed("back", ["u", "Backspace", "ArrowLeft"], () => this.go(1), "back");
    this.later = this.keyed("forward", ["ArrowRight"], () => this.go(-1), "forward");
    const others = [give(CANNOT_TELL, ["0", "c"]), give(SKIP, ["s"], "skip for now")];
    this.choices = el("div", { class: "fer-choices" },
      el("div", { class: "fer-labels", role: "group", "aria-label": "labels" }, ...labels),
      el("div", { class: "fer-others" }, ...others));
    this.finished = el("p", { hidden: true, ...test("finished") });
    const moves = el("div", { class: "fer-others" }, this.earlier, this.later);
    this.progress = el("progress", { "aria-label": "clips done" });
    this.place = el("b", test("progress"));
    this.latest = el("span", test("latest"));
    this.who = el("bdi", test("who"));
    this.question = el("h2");
    this.desk = el("section", { hidden: true, "aria-label": "labelling", tabindex: -1, ...test("desk") },
      this.question,
      el("p", { class: "fer-soft" }, "Label what the face shows, not what the person may feel."),
      el("div", { class: "fer-work" }, el("div", {}, this.clip, this.finished), el("div", {}, this.choices, moves)),
      el("div", { class: "fer-state" }, this.progress, el("span", { role: "status" }, this.place, this.latest),
        el("span", {}, this.who, " ", button("not you?", () => this.leave(), test("leave")))));
    return this.desk;
  }

  /** A button that its first key is written on; whatever has the focus, each of its keys presses it. */
  keyed(words, keys, action, name) {
    keys.forEach((key) => this.keys.set(key, action));
    const shown = { ArrowRight: "→" }[keys[0]] ?? keys[0];
    return el("button", { type: "button", onclick: action, "aria-keyshortcuts": keys.join(" "), ...test(name) },
      el("kbd", { "aria-hidden": "true" }, shown), el("span", {}, words));
  }

  // - the reviewer

  enter(event) {
    event.preventDefault();
    if (this.byToken) this.model.token = this.name.value.trim();
    else this.who.textContent = this.name.value;
    this.ask({ type: "show" });
  }

  leave() {
    this.player.end();
    this.desk.hidden = true;
    this.start.hidden = false;
    this.back = 0;
    if (this.byToken) this.name.value = "";
    this.name.focus();
  }

  key(event) {
    const { target, key, code, repeat, ctrlKey, altKey, metaKey } = event;
    const mine = this.root.contains(target)
      || (target === document.body && document.querySelectorAll(".fer-labelling").length === 1);
    if (!mine || this.desk.hidden || repeat || ctrlKey || altKey || metaKey) return;
    const digit = /^Digit(\d)$/.exec(code)?.[1]; // where digits are typed with Shift, as in France
    const action = this.keys.get(key) ?? this.keys.get(key.toLowerCase()) ?? this.keys.get(digit);
    if (action) action(event);
    else if (key === " " && !target.matches("button")) this.player.toggle();
    else return;
    event.preventDefault();
  }

  /** The clip that is shown gets a label. Until the next one is there nothing does, nor does a double click's second. */
  say(label, event) {
    if (this.waiting || this.shown == null || event.detail > 1) return;
    this.latest.textContent = ` · last: ${label}`;
    this.ask({ type: "answer", clip: this.shown, label });
  }

  go(by) {
    const back = this.back + by;
    if (!this.waiting && back >= 0 && (by < 0 || !this.isFirst)) this.ask({ type: "show", back });
  }

  // - Python

  ask(request) {
    this.asked++;
    this.waiting = true;
    this.root.setAttribute("aria-busy", "true");
    this.model.send({ back: 0, ...request, id: this.asked, rater: this.who.textContent });
    const mine = this.asked;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      if (mine === this.asked && this.waiting) this.settle(NO_ANSWER);
    }, PATIENCE_MS);
  }

  settle(problem) {
    this.waiting = false;
    this.root.removeAttribute("aria-busy");
    this.problem.textContent = problem;
  }

  hear(message, buffers = []) {
    if (message.id !== this.asked) return;
    this.settle(message.type === "problem" ? message.text : "");
    if (message.type === "clip") this.show(message, buffers[0]);
  }

  show({ clip, said, back, first, rater, done, of, skipped, words }, picture) {
    const opened = this.desk.hidden;
    this.start.hidden = true;
    this.desk.hidden = false;
    this.who.textContent = rater;
    if (!this.byToken) keep(NAME, rater);
    [this.shown, this.back, this.isFirst] = [clip, back, first];
    this.draw(picture);
    for (const [label, one] of this.buttons) one.setAttribute("aria-pressed", String(label === said));
    this.earlier.disabled = first;
    this.later.disabled = back === 0;
    [this.progress.max, this.progress.value] = [of, done];
    this.place.textContent = `${done} of ${of} done${skipped ? `, ${skipped} skipped` : ""}`;
    this.clip.hidden = this.choices.hidden = clip == null;
    this.finished.hidden = clip != null;
    this.finished.textContent = words;
    this.question.textContent = clip == null ? "All done" : "Which expression do you perceive?";
    // A button that has the focus keeps it, unless it is one that can no longer be pressed.
    if (opened || !this.root.contains(document.activeElement) || document.activeElement.disabled) this.desk.focus();
  }

  draw(picture) {
    const { player } = this;
    player.end();
    URL.revokeObjectURL(this.url);
    this.url = picture?.byteLength ? URL.createObjectURL(new Blob([picture], { type: "image/webp" })) : null;
    player.at = 0;
    player.tile.hidden = this.controls.hidden = !this.url;
    this.none.hidden = Boolean(this.url);
    if (!this.url) return;
    player.picture(this.url);
    if (!window.matchMedia(CALM).matches) player.play();
  }

  end() {
    clearTimeout(this.patience);
    this.player.end();
    URL.revokeObjectURL(this.url);
    this.model.off("msg:custom", this.hearing);
    document.removeEventListener("keydown", this.typing);
  }
}

/** What the browser keeps between visits, where it may keep anything. */
function kept(name) {
  try { return localStorage.getItem(name) ?? ""; } catch { return ""; }
}

function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* then the name is asked again */ }
}

function render({ model, el: root }) {
  const view = new Labelling(model, root);
  return () => view.end();
}

export default { render };
