
// What stands in for the kernel and the widget's model in a file: the same messages, answered from the page itself.
async function inflated(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function standInModel({ state, items, strips }) {
  const listeners = {};
  const tell = (event, ...what) => (listeners[event] ?? []).forEach((listener) => listener(...what));
  const url = (clip) => (strips[clip] ? `data:image/webp;base64,${strips[clip]}` : "");
  const set = (name, value) => {
    state[name] = value;
    tell(`change:${name}`);
  };
  const answers = {
    page: ({ id, clips }) => ({ type: "page", id, items: clips.map((clip) => ({ ...items[clip], url: url(clip) })) }),
    large: ({ id, clip }) => ({ type: "large", id, clip, url: url(clip) }),
    scored: ({ id }) => ({ type: "scored", id, words: null }), // its intervals need Python
    mark: ({ mark }) => {
      const others = state._marks.filter((one) => one.clip_id !== mark.clip_id || one.reviewer !== mark.reviewer);
      const kept = { ...mark, path: mark.clip_id, marked_at: new Date().toISOString() };
      set("_marks", mark.verdict ? [...others, kept] : others);
    },
  };
  return {
    get: (name) => state[name],
    set,
    save_changes: () => {},
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    off: (event, listener) => { listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener); },
    send: (message) => queueMicrotask(() => {
      const answer = answers[message.type](message);
      if (answer) tell("msg:custom", answer, []);
    }),
  };
}

render({ model: standInModel(await inflated("data")), el: document.getElementById("explorer") });
