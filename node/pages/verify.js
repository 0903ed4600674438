// The page that anybody may use: bring a picture, learn what the chain knows about it.

import { badge, code, el, facts, frame, moment, place, refusal, save } from "./elements.js";
import { ask, canonical } from "./node.js";
import { contested, evidence } from "./words.js";

/** @type {Record<string, string>} */
const VERDICTS = {
  exact_file: "Recorded: this file",
  same_pixels: "Recorded: these pixels",
  near_duplicate: "Recorded: a near-duplicate",
  candidates: "Not sure",
  not_recorded: "Not recorded",
};

/** How each match was found. @type {Record<string, string>} */
const RELATIONS = {
  exact_file: "This very file",
  same_pixels: "The same pixels, in another file",
  near_duplicate: "A near-duplicate; the recorded picture confirms it",
  candidate: "Similar only; nothing confirms that it is the same",
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
    el("p", { className: "quiet" }, `Compared up to block ${answer.height}; ${count} ${count === 1 ? "match" : "matches"}` +
      `${answer.further ? `, and ${answer.further} more that are not shown` : ""}.`)));
  place("matches").replaceChildren(...answer.matches.map(matched), el("details", {},
    el("summary", {}, "What identifies the picture you brought"),
    facts({ "File, SHA-256": code(answer.file_digest), "Pixels, SHA-256": code(answer.pixel_digest), "Image code": code(answer.image_code) })));
}

/** @param {any} match */
function matched(match) {
  const { model } = match;
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
      Distance: `${match.distance} of 256 bits of the image code differ`,
    }),
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
