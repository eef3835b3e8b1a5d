// The labelling view as a page of its own: what stands in for the kernel asks the server. The key to it is the token
// that was typed, or what follows # in the address, which is sent to no server but in a header.
const UNKNOWN = { 401: "This token is not known: correct it, or ask whoever gave it to you." };

function served(place) {
  const state = JSON.parse(place.dataset.state);
  const listeners = new Set();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const model = {
    token: location.hash.slice(1),
    get: (name) => state[name],
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    send: async (message) => {
      const headers = { Authorization: `Bearer ${encodeURIComponent(model.token)}`, "Content-Type": "application/json" };
      try {
        const reply = await fetch("desk", { method: "POST", headers, body: JSON.stringify(message) });
        const text = UNKNOWN[reply.status] ?? `The server answers ${reply.status}.`;
        const { content, pictures } = reply.ok
          ? await reply.json() : { content: { type: "problem", id: message.id, text }, pictures: [] };
        listeners.forEach((listener) => listener(content, pictures.map(bytes)));
      } catch { /* no answer: the view says so after a while */ }
    },
  };
  return model;
}

const place = document.getElementById("labelling");
render({ model: served(place), el: place.appendChild(el("div")) });
