// Asking the node that served this page: one way in, one shape of refusal, and the member's session.

const KEPT = "remarque.session";

/** A refusal by the node: a permanent code word, and a text that names the rule, the fact and the fix. */
export class Refusal extends Error {
  /** @param {string} code @param {string} detail */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/** The open session, if any. Only the token is kept, by this tab; never a key.
 * @returns {{account: string, token: string} | null} */
export function session() {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
}

/** @param {{account: string, token: string} | null} opened */
export function keepSession(opened) {
  if (opened === null) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, JSON.stringify(opened));
  dispatchEvent(new Event("session"));
}

/** Ask; throws Refusal. A session that has ended is forgotten and the question asked once more without it.
 * @param {string} path @param {BodyInit} [body] sent by POST if given @param {string} [token] of another session
 * @returns {Promise<Response>} */
export async function ask(path, body, token) {
  const opened = token === undefined ? session() : null;
  const shown = token ?? opened?.token;
  /** @type {Record<string, string>} */
  const headers = shown === undefined ? {} : { Authorization: `Bearer ${shown}` };
  const answer = await fetch(path, { method: body === undefined ? "GET" : "POST", body, headers }).catch(() => {
    throw new Refusal("NODE_UNREACHABLE", "The node does not answer, or broke off; try again, or ask its operator.");
  });
  if (answer.ok) return answer;
  const { code, detail } = await answer.json().catch(() => ({ code: "INTERNAL", detail: `HTTP ${answer.status}` }));
  if (code !== "SESSION_INVALID" || !opened) throw new Refusal(code, detail);
  keepSession(null);
  return ask(path, body);
}

/** JSON of a GET. @param {string} path @param {string} [token] of another session than the one that is kept
 * @returns {Promise<any>} */
export async function read(path, token) {
  return (await ask(path, undefined, token)).json();
}

/** All items of a list, page by page; the path's last part names them. @param {string} path @returns {Promise<any[]>} */
export async function readAll(path) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const items = [];
  for (let after = ""; after !== undefined;) {
    const page = await read(`${path}?limit=100&after=${encodeURIComponent(after)}`);
    items.push(...page[name]);
    after = page.next;
  }
  return items;
}

/** The one spelling of a value (RFC 8785, for ASCII keys and whole numbers): what a receipt's file holds.
 * @param {unknown} value @returns {string} */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const named = /** @type {Record<string, unknown>} */ (value);
  return `{${Object.keys(named).sort().map((name) => `${JSON.stringify(name)}:${canonical(named[name])}`).join()}}`;
}
