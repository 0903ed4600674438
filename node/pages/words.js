// The chain's values in words for people.

import { code, el, moment } from "./elements.js";

/** @typedef {Record<string, any>} Ask an action, as it was signed */
/** @typedef {{kind: string, code: string, policy: string, rule: string}} Decision what the rules said */

/** Evidence levels and what they mean. @type {Record<string, string>} */
export const EVIDENCE = {
  generated: "a registered generator signed that it made this picture",
  declared: "only its registrant says so",
  derived: "made from another recorded picture",
  disputed: "its record is contested",
};

/** An evidence level in words, and what it was recorded as if that is another. @param {string} level @param {string} [recorded] */
export const evidence = (level, recorded) =>
  `${level}: ${EVIDENCE[level] ?? ""}${recorded && recorded !== level ? `; recorded as ${recorded}, ${EVIDENCE[recorded] ?? ""}` : ""}`;

/** Who disputes a picture and why, if anybody does.
 * @param {{org: string, account: string, reason: string, evidence: string, opened_ms: number}[]} [disputes] */
export const contested = (disputes) => !!disputes?.length && el("ul", { className: "disputes" }, ...disputes.map((one) =>
  el("li", {}, `${one.org} disputes this: “${one.reason}” (${one.account}, `, moment(one.opened_ms), ", evidence ", code(one.evidence), ")")));

/** A part of a million, as a percentage. @param {number} ppm */
export const percent = (ppm) => `${ppm / 10_000} %`;

/** Accounts with their parts; one alone has all. @param {{account: string, weight_ppm: number}[]} of */
export const shares = (of) =>
  of.map(({ account, weight_ppm }) => (of.length > 1 ? `${account} ${percent(weight_ppm)}` : account)).join(", ");

/** An amount of minor units, to the unit. @param {number} amount @param {string} currency @param {number} decimals */
export function money(amount, currency, decimals) {
  const digits = String(amount).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${whole}${decimals ? `.${digits.slice(-decimals)}` : ""} ${currency}`;
}

/** What somebody asked for, after "asked to". @param {Ask} ask @param {(amount: number, currency: string) => string} price
 * @returns {(Node | string)[]} */
export function wanted(ask, price) {
  switch (ask.type) {
    case "asset.register": return ["record the picture as declared"];
    case "asset.register_generated": return [`record the picture, generated for ${ask.request.creator}`];
    case "asset.attest": return [`attest that it was generated for ${ask.request.creator}`];
    case "generation.disclose": return [`let ${ask.readers?.join(", ") ?? "everybody"} read its ${ask.fields.join(", ")}`];
    case "generation.erase": return [`have its ${ask.fields.join(", ")} erased everywhere`];
    case "asset.dispute": return [`dispute it: “${ask.reason}”`];
    case "asset.withdraw_dispute": return ["take the dispute back"];
    case "governance.propose": return ["propose to the consortium to dismiss a dispute"];
    case "governance.vote": return ["dismiss a dispute, with the last vote of the consortium"];
    case "asset.set_policy": return [`put it under policy ${ask.policy}@${ask.version}`];
    case "collection.add": return [`put it in the collection ${ask.collection}`];
    case "asset.derive": return ["say what it was made from"];
    case "token.mint": return [ask.royalty ? `mint its token with ${percent(ask.royalty.rate_ppm)} on resales` : "mint its token"];
    case "token.transfer": return [`give the token to ${ask.to}`];
    case "token.swap": return ["exchange two tokens, both signing"];
    case "token.rent": return [`let ${ask.to} use the token until `, moment(ask.until_ms)];
    case "market.list": return [`offer the token at ${price(ask.price, ask.currency)} until `, moment(ask.until_ms)];
    case "market.unlist": return ["take the offer back"];
    case "market.buy": return [`buy the token at ${price(ask.price, ask.currency)}`];
    case "market.sell": return [`sell the token to ${ask.to} at ${price(ask.price, ask.currency)}, both signing`];
    case "market.refund": return ["undo the newest sale, both signing"];
    case "market.offer": return [`offer ${price(ask.price, ask.currency)} for the token until `, moment(ask.until_ms)];
    case "market.accept": return [`sell the token to ${ask.buyer} for the ${price(ask.price, ask.currency)} offered`];
    case "market.withdraw": return [`return ${ask.buyer}’s offer`];
    case "auction.open": return [`auction the token from ${price(ask.reserve, ask.currency)} until `, moment(ask.until_ms)];
    case "auction.cancel": return ["take the auction back"];
    case "auction.bid": return [`bid ${price(ask.price, ask.currency)} for the token`];
    case "auction.settle": return ["close the auction"];
    case "access.grant": return [`let ${ask.account} see it until `, moment(ask.until_ms)];
    case "access.revoke": return [`end ${ask.account}’s grant`];
    case "access.request": return [ask.purpose ? `see it: “${ask.purpose}”` : "see it"];
    default: return [ask.type];
  }
}

/** @param {Decision} decision */
export function decided({ kind, code, policy, rule }) {
  const by = rule ? `rule ${rule} of ${policy}` : `no rule of ${policy || "its policies"} permits it`;
  return `${kind}: ${code.toLowerCase().replaceAll("_", " ")}, ${by}`;
}
