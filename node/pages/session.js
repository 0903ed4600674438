// Signing in: the browser signs the node's challenge with the member's key. The key is used once and never sent.

import { el, refusal } from "./elements.js";
import { Refusal, ask, keepSession, read } from "./node.js";

const TAG = new TextEncoder().encode("remarque/session/v1");
const PKCS8_ED25519 = "302e020100300506032b657004220420";
const ENCRYPTED = "This key is under a passphrase, which browsers cannot open. Run `remarque session` with it, which asks " +
  "for the passphrase, and paste the token that it prints.";
const INSECURE = "Browsers sign only on pages opened by https, or on this machine at 127.0.0.1. Open this page that way.";

/** @param {string} hex @returns {Uint8Array<ArrayBuffer>} */
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
/** @param {Uint8Array} data @returns {string} */
const hexOf = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
/** @param {string} text base64url @returns {Uint8Array} */
const unbase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

/** Open a session for an account with its key, 64 hex digits of seed. @param {string} account @param {string} seed */
async function signIn(account, seed) {
  if (!globalThis.crypto?.subtle) throw new Refusal("SIGNING_UNAVAILABLE", INSECURE);
  const key = await crypto.subtle.importKey("pkcs8", bytes(PKCS8_ED25519 + seed), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  const challenge = await (await ask("/v1/sessions/challenge", JSON.stringify({ account }))).blob();
  const signature = await crypto.subtle.sign("Ed25519", key, await new Blob([TAG, challenge]).arrayBuffer());
  const opened = await ask("/v1/sessions", JSON.stringify({
    account,
    key: hexOf(unbase64(x ?? "")),
    challenge: JSON.parse(await challenge.text()).challenge,
    signature: hexOf(new Uint8Array(signature)),
  }));
  keepSession({ account, token: (await opened.json()).token });
}

/** Take over a session that was opened elsewhere. @param {string} account @param {string} token */
async function resume(account, token) {
  await read(`/v1/accounts/${encodeURIComponent(account)}`, token);
  keepSession({ account, token });
}

/** @param {HTMLFormElement} form @returns {Promise<string>} the seed that was given, as a file or in digits */
async function seedOf(form) {
  const given = new FormData(form);
  const file = /** @type {File} */ (given.get("file"));
  const seed = (file.size ? await file.slice(0, 200).text() : String(given.get("digits"))).replace(/^\ufeff/, "").trim().toLowerCase();
  if (seed.startsWith("{")) throw new Refusal("PASSPHRASE_NEEDED", ENCRYPTED);
  if (!/^[0-9a-f]{64}$/.test(seed)) throw new Refusal("KEY_UNREADABLE", "A key is 64 hex digits; choose the key file.");
  return seed;
}

/** The form that signs a member in; whoever waits for it listens to "session". @returns {HTMLElement} */
export function signInForm() {
  const said = el("div", { role: "alert" });
  const form = el("form", { className: "card" },
    el("h1", { tabIndex: -1 }, "Sign in to read this chain"),
    el("p", { className: "quiet" }, "Its records are for members. Your key signs a challenge in this browser, is not sent, ",
      "and is forgotten at once; the session lasts an hour, in this tab."),
    el("label", {}, "Account", el("input", { name: "account", required: true, autocomplete: "username",
      placeholder: "alice@studio", spellcheck: false, autocapitalize: "none" })),
    el("label", {}, "Key file", el("input", { name: "file", type: "file" })),
    el("label", {}, "or its 64 hex digits", el("input", { name: "digits", type: "password", autocomplete: "off" })),
    el("label", {}, "or a session token, as `remarque session` prints it", el("input", { name: "token", type: "password", autocomplete: "off" })),
    el("button", {}, "Sign in"),
    said,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.replaceChildren();
    try {
      const given = new FormData(form), account = String(given.get("account")).trim(), token = String(given.get("token")).trim();
      await (token ? resume(account, token) : signIn(account, await seedOf(form)));
    } catch (error) {
      said.replaceChildren(refusal(error));
    } finally {
      for (const name of ["file", "digits", "token"]) /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = "";
    }
  });
  return form;
}
