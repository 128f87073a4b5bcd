// What is asked of the server, and how many questions at once. A failure carries the server's words.

const AT_ONCE = 6;
const waiting = [];
let running = 0;

class Failure extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/** GET an answer. */
export function get(path) {
  return queued(() => answered(fetch(`/api/${path}`)));
}

/** Ask a question; it is dropped when the signal says so. */
export function ask(path, question, signal) {
  const body = JSON.stringify(question);
  const headers = { "Content-Type": "application/json" };
  return queued(() => answered(fetch(`/api/${path}`, { method: "POST", headers, body, signal })), signal);
}

/** Rows of an answer as objects by the names of its columns. */
export function records({ columns, values }) {
  return (values[0] ?? []).map((_, row) => Object.fromEntries(columns.map(({ name }, number) => [name, values[number][row]])));
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The viewer's server does not answer. Is wakeline still running?", 0);
  }
  const type = response.headers.get("Content-Type") ?? "";
  const content = type.startsWith("application/json") ? await response.json() : { error: await response.text() };
  if (!response.ok) throw new Failure(content.error || `The server answered ${response.status}`, response.status);
  return content;
}

function queued(work, signal) {
  return new Promise((resolve, reject) => {
    waiting.push({ work, resolve, reject, signal });
    next();
  });
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    const { work, resolve, reject, signal } = waiting.shift();
    if (signal?.aborted) {
      reject(new DOMException("Dropped", "AbortError"));
      continue;
    }
    running += 1;
    work().then(resolve, reject).finally(() => {
      running -= 1;
      next();
    });
  }
}
