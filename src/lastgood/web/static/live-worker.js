/* The one event stream of this browser: every tab is a port, and hears the events that any tab asked for. */
"use strict";

const ports = new Set();
const names = new Set();
let source = null;
let last = null;

function tell(message) {
  for (const port of ports) { port.postMessage(message); }
}

function forward(name) {
  source.addEventListener(name, (event) => {
    last = event.lastEventId || last;
    tell({ name, data: event.data, last: event.lastEventId });
  });
}

function connect(url) {
  const address = new URL(url);
  if (last !== null) { address.searchParams.set("after", last); }
  source = new EventSource(address);
  source.onopen = () => tell({ state: "open" });
  source.onerror = () => {
    const closed = source.readyState === EventSource.CLOSED;
    if (closed) { source = null; }
    tell({ state: closed ? "closed" : "error" });
  };
  for (const name of names) { forward(name); }
}

self.onconnect = (connected) => {
  const port = connected.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    const asked = message.data;
    if (asked.open) {
      if (source === null) {
        connect(asked.open);
      } else if (source.readyState === EventSource.OPEN) {
        port.postMessage({ state: "open" });
      }
    } else if (asked.listen && !names.has(asked.listen)) {
      names.add(asked.listen);
      if (source !== null) { forward(asked.listen); }
    } else if (asked.close) {
      ports.delete(port);
      if (ports.size === 0 && source !== null) {
        source.close();
        source = null;
        last = null;
      }
    }
  };
};
