// Talks to the server: JSON both ways, server-sent events for a table, a JSON object on each line for a thought.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function answered(response) {
  if (response.ok) return response;
  let message = `the server said ${response.status}`;
  try {
    message = (await response.json()).error || message;
  } catch {
    // not JSON: the status says all there is
  }
  throw new ApiError(response.status, message);
}

export async function get(path) {
  return (await answered(await fetch(`/api${path}`))).json();
}

export async function post(path, body = {}) {
  return (await answered(await send(path, body))).json();
}

// Lets the browser save what the server answers as a file.
export async function save(path, body, name) {
  const found = await (await answered(await send(path, body))).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(found);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Calls onLine with each object of a stream. Aborting `signal` stops the thought on the server, too.
export async function lines(path, body, onLine, signal) {
  const response = await answered(await send(path, body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value || "";
    const parts = rest.split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) onLine(JSON.parse(part));
    if (done) return;
  }
}

function send(path, body, signal) {
  return fetch(`/api${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

// Calls onState with every state of a table; returns what ends it.
export function follow(id, onState, onLost) {
  const events = new EventSource(`/api/tables/${id}/events`);
  events.onmessage = (event) => onState(JSON.parse(event.data));
  events.onerror = () => onLost(events.readyState === EventSource.CLOSED);
  return () => events.close();
}
