// The page of one asset, for members: where it comes from, who owns it, who was paid, who asked what.

import { badge, code, el, facts, frame, moment, place, refusal, save, seen, table } from "./elements.js";
import { Refusal, ask, read, readAll } from "./node.js";
import { signInForm } from "./session.js";
import { contested, decided, evidence, money, percent, shares, wanted } from "./words.js";

/** @typedef {(amount: number, currency: string) => string} Price */
/** @typedef {import("./words.js").Ask} Ask */
/** @typedef {import("./words.js").Decision} Decision */
/** @typedef {{history: Row[], next?: string}} Page of the history, oldest first */
/** @typedef {{transaction: string, height: number, time_ms: number, signer: string, actions: Ask[], code: string,
 *   detail: string, events: any[], decisions: Decision[]}} Row one transaction of the history */
/** @typedef {{to: string, amount: number, reason: string}} Payment */
/** @typedef {{seller: string, buyer: string, price: number, currency: string, kind: string, payments: Payment[],
 *   time_ms: number}} Sale */

const id = location.pathname.slice("/assets/".length);
let turn = 0;

async function show() {
  const mine = ++turn;
  const shown = await sections().catch((error) =>
    [error instanceof Refusal && error.code === "SESSION_REQUIRED" ? signInForm() : refusal(error)]);
  if (mine === turn) place("asset").replaceChildren(...shown);
}

/** Show it anew for another reader, and begin at its heading. */
async function showAgain() {
  await show();
  place("asset").querySelector("h1")?.focus();
}

/** Everything about the asset, read and laid out. @returns {Promise<HTMLElement[]>} */
async function sections() {
  const view = await read(`/v1/assets/${id}`);
  const { asset } = view;
  const [first, currencies, models, openings, sale] = await Promise.all([
    read(`/v1/assets/${id}/history?limit=100`),
    readAll("/v1/currencies"),
    readAll("/v1/models"),
    asset.commitments && read(`/v1/assets/${id}/openings`).catch((error) => error),
    view.token && read(`/v1/tokens/${view.token.id}`),
  ]);
  const decimals = new Map(currencies.map((/** @type {any} */ one) => [one.currency, one.decimals]));
  /** @type {Price} */
  const price = (amount, currency) => money(amount, currency, decimals.get(currency) ?? 0);
  const name = asset.title ?? `Picture by ${asset.creator}`;
  document.title = `${seen(name)} · Remarque`;
  const { sold, asked, told, more } = life(first, price);
  const said = contested(view.disputes);
  return [
    el("h1", { tabIndex: -1 }, name, badge(view.evidence, view.evidence),
      asset.confidential && badge("confidential", "refused")),
    el("div", { className: "desk" }, asset.confidential ? sealed() : await picture(asset),
      el("div", {}, asset.commitments && settings(openings), provenance(asset, view, models))),
    ...(said ? [said] : []),
    el("h2", {}, "Ownership and royalties"), terms(view, sale?.listing, price), sold,
    ...(asset.confidential ? [el("h2", {}, "Access"), asked] : []),
    el("h2", {}, "History"), told, more,
  ];
}

/** What the history tells, from its beginning as far as it has been read; a button reads on.
 * @param {Page} first @param {Price} price */
function life(first, price) {
  /** @type {Row[]} */
  const history = [];
  const sold = el("div", {}), asked = el("div", {}), told = el("ol", { className: "history" });
  const more = el("button", { className: "plain" }, "Show what came next");
  const tell = (/** @type {Page} */ page) => {
    history.push(...page.history);
    sold.replaceChildren(...sales(history, price, page.next === undefined));
    asked.replaceChildren(access(history, price));
    told.append(...page.history.map((row) => entry(row, price)));
    more.hidden = page.next === undefined;
    more.onclick = () => {
      more.onclick = null;
      read(`/v1/assets/${id}/history?limit=100&after=${page.next}`).then(tell)
        .catch((error) => more.replaceWith(refusal(error)));
    };
  };
  tell(first);
  return { sold, asked, told, more };
}

/** @param {any} asset */
async function picture(asset) {
  try {
    const stored = await (await ask(`/v1/content/${asset.content.cid}`)).blob();
    const src = URL.createObjectURL(stored.slice(0, stored.size, asset.content.media_type));
    return el("img", { className: "picture", src, alt: `The picture recorded by ${asset.registrant}` });
  } catch (error) {
    return refusal(error);
  }
}

const sealed = () => el("p", { className: "sealed" }, "This picture is confidential: only its ciphertext is stored, and no ",
  "preview. Whoever the rules permit asks for its key with ", el("code", {}, "remarque open"),
  "; the request and its decision stand below.");

/** Prompt and settings in clear, or why they are not, and who may read them. @param {any} opened */
function settings(opened) {
  if (opened instanceof Refusal) return el("p", { className: "quiet" }, `Prompt and settings are not shown: ${opened.message}.`);
  const { openings, disclosure: { withheld = [], erased = [] } } = opened;
  const { prompt, negative_prompt, guidance_centi, seed, steps, precision, batch } = openings;
  const given = [seed && `seed ${seed.value}`, steps && `${steps.value} steps`,
    guidance_centi && `guidance ${guidance_centi.value / 100}`].filter(Boolean);
  const shown = prompt ? el("blockquote", {}, prompt.value) : el("p", { className: "quiet" }, unread("prompt", withheld, erased));
  return el("section", {}, shown, facts({
    "Negative prompt": negative_prompt?.value || undefined,
    Settings: given.join(", ") || undefined,
    Numbers: precision?.value,
    "Computed together": batch && `${batch.value} pictures`,
    "May be read by": withheld.filter(hides).map(audience).join("; ") || undefined,
    "Erased by its creator": erased.join(", ") || undefined,
  }));
}

/** @typedef {{field: string, readers?: string[]}} Withheld a setting that not everybody may read */

/** Why a setting is not shown. @param {string} field @param {Withheld[]} withheld @param {string[]} erased */
function unread(field, withheld, erased) {
  if (erased.includes(field)) return "Its creator had the prompt erased; the commitment to it stands.";
  const hidden = withheld.some((one) => one.field === field);
  return hidden ? "Its creator tells the prompt to nobody else, or to those named below." : "The prompt has not reached this node yet.";
}

/** Whether it hides anything: width and height stand in the record. @param {Withheld} withheld */
const hides = ({ field }) => field !== "width" && field !== "height";

/** @param {Withheld} withheld */
const audience = ({ field, readers = [] }) => `${field.replace("_", " ")}: ${readers.join(", ") || "nobody"} beside its creator`;

/** @param {any} asset @param {any} view @param {any[]} models */
function provenance(asset, view, models) {
  const model = models.find((one) => one.model === asset.model);
  return facts({
    Creator: shares(asset.creators),
    Credit: asset.credit,
    [asset.evidence === "generated" && !asset.attested_by ? "Generator" : "Registrant"]: asset.registrant,
    "Attested later by": asset.attested_by,
    Evidence: evidence(view.evidence, asset.evidence),
    Model: model ? `${model.name} ${model.version}, provided by ${model.provider}` : code(asset.model),
    Adapters: asset.adapters?.map((/** @type {any} */ one) => added(one, models)).join(", "),
    Recorded: [moment(asset.created_ms), ` in block ${asset.height_recorded}`],
    Size: `${asset.width} × ${asset.height}, ${asset.content.media_type}`,
    Collection: asset.collection,
    "Like these, as its registrant was told": asset.similar?.length
      ? asset.similar.map((/** @type {string} */ one) => [el("a", { href: `/assets/${one}` }, code(one)), " "]).flat() : undefined,
    Policies: view.policies.map((/** @type {any} */ one) => `${one.policy} (${one.scope})`).join(", "),
    "Pixels, SHA-256": code(asset.id),
    "File, SHA-256": code(asset.file_digest),
    "Image code": code(asset.image_code),
    "Content id": code(asset.content.cid),
  });
}

/** @param {any} adapter @param {any[]} models */
function added({ model, weight_centi }, models) {
  const known = models.find((one) => one.model === model);
  return `${known ? `${known.name} ${known.version} by ${known.provider}` : model} at ${weight_centi} %`;
}

/** @param {any} view @param {any} listing @param {Price} price */
function terms({ royalty, policy_royalties, token, owner }, listing, price) {
  const clauses = policy_royalties.map((/** @type {any} */ one) =>
    `${percent(one.rate_ppm)} of a ${one.trigger.replace("_", " ")} to the creators (rule ${one.id})`).join("; ");
  return facts({
    Owner: owner,
    Token: token ? code(token.id) : "not minted",
    "For sale": listing && [`${price(listing.price, listing.currency)} until `, moment(listing.until_ms)],
    "Royalty terms": royalty ? `${percent(royalty.rate_ppm)} of every resale, to ${shares(royalty.payees)}` : clauses || "none",
  });
}

/** Every payment of every sale, and the royalties of all of them by account.
 * @param {Row[]} history @param {Price} price @param {boolean} whole whether these are all of the sales */
function sales(history, price, whole) {
  /** @type {Sale[]} */
  const sold = history.flatMap(({ events, time_ms }) =>
    events.filter((event) => event.type === "market.sold").map((event) => ({ ...event, time_ms })));
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { currency, payments } of sold) {
    for (const { to, amount } of payments.filter((one) => one.reason === "royalty")) {
      sums.set(`${to} ${currency}`, (sums.get(`${to} ${currency}`) ?? 0) + amount);
    }
  }
  const totals = [...sums].map(([key, sum]) => [key.split(" ")[0], price(sum, key.split(" ")[1])]);
  const together = totals.length ? [table(`Royalties of ${whole ? "all" : "these"} sales together`, ["paid to", "amount"], totals)] : [];
  return [...sold.map((one) => saleTable(one, price)), ...together];
}

/** @param {Sale} sale @param {Price} price */
function saleTable({ seller, buyer, price: agreed, currency, kind, payments, time_ms }, price) {
  const sum = payments.reduce((total, one) => total + one.amount, 0);
  const shown = table(`${kind.replace("_", " ")}, ${seller} to ${buyer}, `, ["paid to", "as", "amount"],
    payments.map((one) => [one.to, one.reason, price(one.amount, currency)]),
    [["Sum", sum === agreed ? "all of the price" : `not the price, ${price(agreed, currency)}`, price(sum, currency)]]);
  shown.querySelector("caption")?.append(moment(time_ms));
  return shown;
}

/** Who was granted, asked, allowed and denied. @param {Row[]} history @param {Price} price */
function access(history, price) {
  const about = history.filter((row) => row.actions.some((one) => one.type.startsWith("access.")));
  const asked = (/** @type {Row} */ row) => row.actions.some((one) => one.type === "access.request");
  return el("div", {},
    el("ul", { className: "access" },
      ...about.map((row) => el("li", {}, ...headline(row, price, asked(row) ? "request allowed" : "done")))),
    el("p", { className: "quiet" }, "A request that is allowed lets its reader ask the nodes for the key within two minutes. ",
      "Whether a key was then released stands in no block."));
}

/** Who asked what, and what became of it. @param {Row} row @param {Price} price @param {string} done the word for OK */
function headline(row, price, done) {
  return [el("strong", {}, row.signer), " asked to ",
    ...row.actions.flatMap((one, at) => [at ? " and to " : "", ...wanted(one, price)]), " ",
    row.code === "OK" ? badge(done, "done") : badge(row.code, "refused")];
}

/** What gives the receipt of a transaction as its file: it is for members, so the session asks for it. @param {string} id */
function receipt(id) {
  const button = el("button", { className: "plain" }, "receipt");
  button.onclick = () => ask(`/v1/transactions/${id}/receipt`).then((answer) => answer.text())
    .then((text) => save(`receipt-${id.slice(0, 16)}.json`, text)).catch((error) => button.replaceWith(refusal(error)));
  return button;
}

/** One transaction of the history. @param {Row} row @param {Price} price */
function entry(row, price) {
  return el("li", {},
    el("p", {}, ...headline(row, price, "done")),
    row.detail ? el("p", {}, row.detail) : undefined,
    el("p", { className: "quiet" }, moment(row.time_ms), ` · block ${row.height} · `,
      receipt(row.transaction),
      ...row.decisions.map((one) => ` · ${decided(one)}`)));
}

frame();
addEventListener("session", showAgain);
show();
