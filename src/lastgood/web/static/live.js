/* Live pages: one event stream for all tabs, a label that says whether it is open, and bars that show themselves.
   Every page reads and works without this file. */
"use strict";

(() => {
  const workerUrl = document.currentScript.dataset.worker;
  const label = document.getElementById("live");

  /* What htmx takes for an EventSource. Its events come from a worker that all tabs share; a browser without
     shared workers opens its own stream and closes it while the tab is hidden: six connections to a host are all
     that browsers open. */
  class SharedSource extends EventTarget {
    constructor(url) {
      super();
      this.url = url;
      this.readyState = EventSource.CONNECTING;
      this.names = new Set();
      this.last = null;
      if (window.SharedWorker) {
        this.port = new SharedWorker(workerUrl, "lastgood-live").port;
        this.port.onmessage = (message) => this.told(message.data);
        this.port.postMessage({ open: new URL(url, location.href).href });
        window.addEventListener("pagehide", () => this.port.postMessage({ close: true }));
        window.addEventListener("pageshow", (shown) => {
          if (shown.persisted) { location.reload(); }
        });
      } else {
        this.connect();
        document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.connect()));
      }
      this.addEventListener("reload", () => {
        document.getElementById("reload").hidden = false;
      });
    }

    connect() {
      const after = this.last === null ? this.url : "/events?after=" + this.last;
      this.own = new EventSource(after);
      this.own.onopen = () => this.told({ state: "open" });
      this.own.onerror = () => this.told({ state: this.own.readyState === EventSource.CLOSED ? "closed" : "error" });
      for (const name of this.names) { this.forward(name); }
    }

    rest() {
      this.own.close();
      this.told({ state: "error" });
    }

    forward(name) {
      this.own.addEventListener(name, (event) => {
        this.last = event.lastEventId || this.last;
        this.told({ name, data: event.data, last: event.lastEventId });
      });
    }

    told(message) {
      if (message.name) {
        this.dispatchEvent(new MessageEvent(message.name, { data: message.data, lastEventId: message.last }));
      } else if (message.state === "open") {
        this.readyState = EventSource.OPEN;
        if (this.onopen) { this.onopen(new Event("open")); }
      } else {
        this.readyState = message.state === "closed" ? EventSource.CLOSED : EventSource.CONNECTING;
        if (this.onerror) { this.onerror(new Event("error")); }
      }
    }

    addEventListener(name, listener) {
      super.addEventListener(name, listener);
      if (!this.names.has(name)) {
        this.names.add(name);
        if (this.port) { this.port.postMessage({ listen: name }); } else if (this.own) { this.forward(name); }
      }
    }

    close() {
      this.readyState = EventSource.CLOSED;
      if (this.port) { this.port.postMessage({ close: true }); } else { this.own.close(); }
    }
  }

  htmx.createEventSource = (url) => new SharedSource(url);

  document.addEventListener("htmx:sseOpen", () => {
    label.textContent = "Live";
    label.classList.remove("stale");
  });
  document.addEventListener("htmx:sseError", () => {
    label.textContent = "Reconnecting. " + label.dataset.asOf;
    label.classList.add("stale");
  });
  document.addEventListener("htmx:sseMessage", () => {
    label.dataset.asOf = "As of " + new Date().toISOString().slice(11, 16);
  });

  /* A fragment is the same for every reader; whether it matters here is decided here. */
  document.addEventListener("htmx:sseMessage", (message) => {
    for (const bar of message.target.querySelectorAll("[data-newest]")) {
      bar.hidden = document.getElementById(bar.dataset.newest) !== null;
    }
    for (const note of message.target.querySelectorAll("[data-now]")) {
      note.hidden = note.dataset.now === message.target.dataset.planned;
      if (!note.hidden) { document.getElementById("start").disabled = true; }
    }
  });

  /* Details that load once show grey bars meanwhile. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("details.more")) { event.target.setAttribute("aria-busy", "true"); }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches("details.more")) { event.target.removeAttribute("aria-busy"); }
  });
})();
