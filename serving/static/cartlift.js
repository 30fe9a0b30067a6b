/* cartlift.js: lists of recommendations on a shop's pages, and what customers do with them. See docs/clients.md. */
(() => {
  "use strict";
  const script = document.currentScript || document.querySelector('script[src*="cartlift.js"]');
  const set = script.dataset;
  const service = set.service ? set.service.replace(/\/?$/, "/") : new URL(".", script.src).href;
  const patience = 2000, mostWaiting = 100, pause = 500;
  const ofItems = ["similar", "bought-together"];
  const passedOn = ["n", "placement", "category", "mode", "place"];
  const optedOut = () =>
    "optOut" in set || navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";

  // Storage may be forbidden, full, or hold what another version wrote.
  const stored = (store, name, value) => {
    try {
      if (value !== undefined) window[store].setItem("cartlift." + name, JSON.stringify(value));
      return JSON.parse(window[store].getItem("cartlift." + name));
    } catch {
      return null;
    }
  };

  // crypto.randomUUID is there on secure pages alone.
  const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");

  const ask = async (path, body, keepalive) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), patience);
    try {
      const headers = set.key ? { "X-API-Key": set.key } : {};
      if (body) headers["Content-Type"] = "application/json";
      const answer = await fetch(service + path, {
        method: body ? "POST" : "GET", headers, keepalive, signal: stop.signal, credentials: "omit",
        body: body && JSON.stringify(body),
      });
      return { status: answer.status, said: answer.ok ? await answer.json() : null };
    } catch {
      return { status: 0, said: null };
    } finally {
      clearTimeout(timer);
    }
  };

  // ---- Events: kept until they arrived, also on the next page; their ids make them count once ----
  let waiting = (optedOut() ? stored("localStorage", "events", []) : stored("localStorage", "events")) || [];
  let timer = 0, sending = false;

  const send = (event) => {
    if (optedOut()) return;
    const session = stored("sessionStorage", "session") || stored("sessionStorage", "session", newId()) || newId();
    const from = stored("sessionStorage", "from") || {};
    waiting.push({
      event_id: newId(), at: new Date().toISOString(), session_id: session,
      ...(set.customer && { customer_id: set.customer }),
      ...(from[event.item_id] && { recommendation_id: from[event.item_id] }),
      ...event,
    });
    waiting = waiting.slice(-mostWaiting);
    stored("localStorage", "events", waiting);
    timer ||= setTimeout(flush, pause);
  };

  const flush = async () => {
    clearTimeout(timer);
    timer = 0;
    if (!waiting.length || sending || optedOut()) return;
    sending = true;
    const batch = waiting.slice(0, 50);
    const { status } = await ask("v1/events", { events: batch }, true);
    sending = false;
    // What is refused as it is would be refused again; all else is sent once more, from here or the next page.
    if (status === 200 || (status >= 400 && status < 500 && status !== 429)) {
      waiting = waiting.filter((event) => !batch.includes(event));
      stored("localStorage", "events", waiting);
    }
    if (waiting.length) timer ||= setTimeout(flush, status === 200 ? 0 : 30000);
  };

  const followed = (item, recommendationId) => {
    if (optedOut()) return;
    const from = { ...stored("sessionStorage", "from"), [item.item_id]: recommendationId };
    stored("sessionStorage", "from", Object.fromEntries(Object.entries(from).slice(-50)));
    send({ type: "click", item_id: item.item_id });
    flush();
  };

  // ---- Lists: built of nodes, so that nothing in a title or URL is ever run ----
  const safe = (address) => {
    try {
      const url = new URL(address, location.href);
      return /^https?:$/.test(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  };

  const node = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = "cartlift-" + name;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const priced = (price) =>
    new Intl.NumberFormat(document.documentElement.lang || undefined,
      set.currency ? { style: "currency", currency: set.currency } : { minimumFractionDigits: 2 }).format(price);

  const card = (item) => {
    const url = item.url && safe(item.url), picture = item.image_url && safe(item.image_url);
    const made = node(url ? "a" : "div", "item");
    if (url) made.href = url;
    if (picture) {
      const image = node("img", "image");
      Object.assign(image, { src: picture, alt: "", loading: "lazy" });
      image.onerror = () => image.remove();
      made.append(image);
    }
    made.append(node("span", "title", item.title || item.item_id));
    if (item.price != null) made.append(node("span", "price", priced(item.price)));
    return made;
  };

  const question = (asked) => {
    const given = new URLSearchParams({ fields: "title,price,url,image_url" });
    for (const name of passedOn) if (asked[name] && (name !== "mode" || asked.list === "customer")) given.set(name, asked[name]);
    if (ofItems.includes(asked.list))
      return `v1/items/${encodeURIComponent(asked.item || set.item)}/${asked.list}?${given}`;
    if (asked.list === "customer" && set.customer && !optedOut())
      return `v1/customers/${encodeURIComponent(set.customer)}/recommendations?${given}`;
    given.delete("mode");
    return "v1/best-sellers?" + given;
  };

  /* Show a list in an element: how many items it has. What is there stays where nothing can be shown. */
  const show = async (element, asked) => {
    try {
      const { said } = await ask(question(asked));
      if (!said || !said.items.length) return 0;
      const list = node("ul", "list");
      for (const item of said.items) {
        const place = node("li", "place"), made = (asked.template || card)(item);
        for (const kind of ["click", "auxclick"])
          made.addEventListener(kind, (event) => event.button < 2 && followed(item, said.recommendation_id));
        place.append(made);
        list.append(place);
      }
      const parts = [list];
      if (asked.heading) {
        parts.unshift(node("h2", "heading", asked.heading));
        element.setAttribute("role", "region");
        element.setAttribute("aria-label", asked.heading);
      }
      element.replaceChildren(...parts);
      return said.items.length;
    } catch {
      return 0; // a template that fails, too, leaves the page as it is
    }
  };

  const scan = (root = document) =>
    Promise.all(Array.from(root.querySelectorAll("[data-cartlift]"), (element) => {
      const asked = { list: element.dataset.cartlift };
      for (const [name, value] of Object.entries(element.dataset))
        if (name.startsWith("cartlift") && name !== "cartlift") asked[name.slice(8).toLowerCase()] = value;
      return show(element, asked);
    }));

  const start = () => {
    scan();
    flush();
    if (set.item) send({ type: "view", item_id: set.item });
  };
  addEventListener("pagehide", flush);
  window.cartlift = { show, scan, send, flush };
  document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
})();
