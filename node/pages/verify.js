// The page that anybody may use: bring a picture, learn what the chain knows about it.

import { badge, code, el, facts, frame, moment, place, plan, refusal, save } from "./elements.js";
import { ask, canonical } from "./node.js";
import { contested, evidence } from "./words.js";

/** @type {Record<string, string>} */
const VERDICTS = {
  exact_file: "Recorded: this file",
  same_pixels: "Recorded: these pixels",
  near_duplicate: "Recorded: a near-duplicate",
  part: "Recorded: a part of it, or more than it",
  altered: "Altered from a recorded picture",
  one_of_several: "Recorded: one of several pictures in it",
  watermark: "Its watermark is recorded",
  candidates: "Not sure",
  not_recorded: "Not recorded",
};

/** How each match was found. @type {Record<string, string>} */
const RELATIONS = {
  exact_file: "This very file",
  same_pixels: "The same pixels, in another file",
  near_duplicate: "A near-duplicate; the recorded picture confirms it",
  part: "A part of the one lies in the other; the recorded picture confirms it",
  altered: "The recorded picture confirms it, but for what was altered",
  one_of_several: "One of several pictures in the file; viewers show more than it",
  watermark: "By its watermark alone; no recorded picture confirms it",
  candidate: "Similar only; nothing confirms that it is the same",
};

/** What all witnesses say of whether it is AI-made. @type {Record<string, string>} */
const ORIGINS = {
  ai_attested: "AI-made: a generator attests it",
  ai_attested_altered: "AI-made, and altered since",
  ai_by_credentials: "AI-made, its Content Credentials say",
  ai_by_watermark: "AI-made, its watermark says",
  ai_declared: "Declared to be AI-made",
  human_by_credentials: "Not AI-made, its Content Credentials say",
  human_declared: "Declared not to be AI-made",
  recorded: "Nobody attests how it was made",
  contradicted: "Contradicted: read what each witness says",
  unknown: "Nothing here says how it was made",
};

/** @type {Record<string, string>} */
const CREDENTIALS = {
  remote_only: "somewhere else, which is not fetched",
  invalid: "broken: do not rely on them",
  valid: "sound, by a signer who is not known here",
  trusted: "sound, by a signer who is known here",
};

/** @type {Record<string, string>} */
const SAYS = {
  nothing: "nothing of how it was made",
  ai: "a trained model made it",
  partly_ai: "parts of it may be a trained model's",
  captured: "a camera or a scanner took it",
  made_without_ai: "it was made without a trained model",
};

const preview = /** @type {HTMLImageElement} */ (place("preview"));
const chooser = /** @type {HTMLInputElement} */ (place("file"));
let turn = 0;

/** @param {File} file */
async function verify(file) {
  const mine = ++turn;
  showPicture(file);
  place("matches").replaceChildren();
  place("verdict").replaceChildren(el("p", {}, "Comparing it with the chain…"), el("progress", { ariaLabel: "Comparing" }));
  try {
    const answer = await (await ask("/v1/verify", file)).json();
    if (mine === turn) showAnswer(answer);
  } catch (error) {
    if (mine === turn) place("verdict").replaceChildren(refusal(error));
  }
}

/** @param {File} file */
function showPicture(file) {
  URL.revokeObjectURL(preview.src);
  preview.hidden = false;
  preview.src = URL.createObjectURL(file);
  place("name").textContent = file.name;
  place("how").textContent = "Drop, choose or paste another";
}

/** @param {any} answer */
function showAnswer(answer) {
  const count = answer.matches.length;
  place("verdict").replaceChildren(el("div", { className: `verdict ${answer.verdict}` },
    el("h2", {}, VERDICTS[answer.verdict] ?? answer.verdict),
    el("p", {}, answer.wording),
    el("p", { className: `origin ${answer.origin.verdict}` }, ORIGINS[answer.origin.verdict] ?? answer.origin.verdict),
    el("p", { className: "quiet" }, `Compared up to block ${answer.height}; ${count} ${count === 1 ? "match" : "matches"}` +
      `${answer.further ? `, and ${answer.further} more that are not shown` : ""}.`)));
  place("matches").replaceChildren(...answer.matches.map(matched), witnesses(answer), el("details", {},
    el("summary", {}, "What identifies the picture you brought"),
    facts({ "File, SHA-256": code(answer.file_digest), "Pixels, SHA-256": code(answer.pixel_digest), "Image code": code(answer.image_code) })));
}

/** What the file itself says. @param {any} answer */
function witnesses({ credentials, watermark, viewing, labels, pictures }) {
  if (!credentials && !watermark && !labels && !pictures.length) return "";
  const failures = credentials && [...credentials.failures, ...credentials.ingredients.flatMap((/** @type {any} */ one) => one.failures)];
  return el("article", { className: "card" }, el("h3", {}, "What the file itself says"), facts({
    "Content Credentials": credentials && CREDENTIALS[credentials.state],
    "Signed by": credentials?.signer || undefined,
    "Which say": credentials && SAYS[credentials.says],
    "Signed at": credentials?.stamped_at || undefined,
    "What does not hold": failures?.length ? failures.join(", ") : undefined,
    Watermark: watermark && [code(watermark.mark), watermark.recorded ? ", which leads to a record" : ", which leads to no record"],
    "Shown by a node to": viewing && (viewing.seen ? `${viewing.seen.account}, by ${viewing.seen.node}` : "one reader; the picture's owner is told whom"),
    "Shown on": viewing?.seen && [moment(viewing.seen.time_ms), " by request ", code(viewing.seen.transaction)],
    "Shown for": viewing?.seen?.purpose || undefined,
    "Labels that nobody signed": labels && [labels.source_type, labels.system, ...labels.settings, ...labels.programs].filter(Boolean).join(", "),
    "Pictures in the file": pictures.length ? pictures.map((/** @type {any} */ one) => `${one.number}: ${one.role}`).join(", ") : undefined,
  }));
}

/** Where the two pictures lie over each other, drawn in the sides of each. @param {any} compared */
function drawn({ place, altered }) {
  const sides = (/** @type {string} */ name, /** @type {number} */ width, /** @type {number} */ height, /** @type {string} */ where, /** @type {string | undefined} */ picture) =>
    el("figure", {}, plan(width, height, place[where], altered.map((/** @type {any} */ one) => one[where]), picture), el("figcaption", {}, name));
  return el("div", { className: "plans" },
    sides("What you brought", place.brought_width, place.brought_height, "in_brought", preview.src),
    sides("The recorded picture", place.recorded_width, place.recorded_height, "in_recorded", undefined));
}

/** How a recorded picture was changed into this one. @param {any} compared */
function changes({ place, altered }) {
  const said = [`${Math.round(place.part_of_recorded_ppm / 10_000)} % of it is shown`];
  if (place.part_of_brought_ppm < 990_000) said.push(`which is ${Math.round(place.part_of_brought_ppm / 10_000)} % of this picture`);
  if (Math.abs(place.rotation_centi) >= 50) said.push(`turned by ${Math.round(place.rotation_centi / 100)}°`);
  if (place.mirrored) said.push("mirrored");
  if (altered.length) said.push(`altered in ${altered.length} ${altered.length === 1 ? "place" : "places"}`);
  return said.join(", ");
}

/** @param {any} match */
function matched(match) {
  const { model, compared } = match;
  return el("article", { className: "card" },
    el("h3", {}, `By ${match.creator}`, badge(match.evidence, match.evidence), match.confidential && badge("confidential", "refused")),
    contested(match.disputes),
    facts({
      Found: RELATIONS[match.relation] ?? match.relation,
      Evidence: evidence(match.evidence, match.recorded_evidence),
      "Attested later by": match.attested?.by,
      "Recorded by": match.registrant,
      Recorded: [moment(match.recorded_ms), ` in block ${match.height}`],
      Model: model && (model.name ? `${model.name} ${model.version}, provided by ${model.provider}` : code(model.digest)),
      Adapters: match.adapters?.map((/** @type {any} */ one) => one.name ? `${one.name} ${one.version}, provided by ${one.provider}` : one.digest).join("; "),
      "Picture of the file": match.frame && `number ${match.frame}`,
      Distance: match.distance !== undefined && `${match.distance} of 256 bits of the image code differ`,
      Compared: compared && changes(compared),
    }),
    compared && drawn(compared),
    el("p", { className: "deeds" },
      match.receipt && el("button", { onclick: () => save(`receipt-${match.asset.slice(0, 16)}.json`, canonical(match.receipt)) }, "Download receipt"),
      el("a", { href: `/assets/${match.asset}` }, "Provenance and history")));
}

/** Take the first file of a drop or paste. @param {DataTransfer | null} brought @param {Event} event */
function take(brought, event) {
  const file = brought?.files[0];
  if (file === undefined) return;
  event.preventDefault();
  verify(file);
}

frame();
preview.addEventListener("error", () => (preview.hidden = true));
chooser.addEventListener("change", () => {
  if (chooser.files?.[0]) verify(chooser.files[0]);
  chooser.value = "";
});
addEventListener("paste", (event) => take(event.clipboardData, event));
addEventListener("dragover", (event) => {
  event.preventDefault();
  place("drop").classList.add("over");
});
for (const end of ["dragleave", "drop"]) addEventListener(end, () => place("drop").classList.remove("over"));
addEventListener("drop", (event) => take(event.dataTransfer, event));
