// The story's first steps with a generated client: node story.js URL ACCOUNT, the account's seed as hex on standard input.
import { strict as assert } from "node:assert";
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Transaction = components["schemas"]["Transaction"];

const [url, account] = process.argv.slice(2);
assert(url && account);
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const seed = Buffer.from(readFileSync(0, "utf-8").trim(), "hex");
const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
const signed = (tag: string, data: string): string => sign(null, Buffer.from(tag + data), key).toString("hex");

/** JSON with sorted fields, as RFC 8785 writes it. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

const client = createClient<paths>({ baseUrl: url, bodySerializer: canonical });

const { data: status } = await client.GET("/v1/status");
const { data: genesis } = await client.GET("/v1/genesis");
assert(status && genesis && status.chain.startsWith(genesis.name));
const { error: refused, response } = await client.GET("/v1/assets");
assert.equal(response.status, 401);
assert.equal(refused?.code, "SESSION_REQUIRED");

const asked = await client.POST("/v1/sessions/challenge", { body: { account }, parseAs: "text" });
const text = asked.data as unknown as string;
const challenge: components["schemas"]["Challenge"] = JSON.parse(text);
const opening = { account, key: publicKey, challenge: challenge.challenge, signature: signed("remarque/session/v1", text) };
const { data: session } = await client.POST("/v1/sessions", { body: opening });
assert(session);
const headers = { Authorization: `Bearer ${session.token}` };
const { data: before } = await client.GET("/v1/assets", { headers, params: { query: { limit: 10 } } });
assert(before);

const picture = randomBytes(32).toString("hex");
const transaction: Transaction = {
  chain: status.chain,
  signers: [{ account, key: publicKey }],
  valid_until_ms: Date.now() + 60_000,
  nonce: randomBytes(16).toString("hex"),
  actions: [
    {
      type: "asset.register",
      pixel_digest: picture,
      file_digest: randomBytes(32).toString("hex"),
      width: 1,
      height: 1,
      content: { cid: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", size: 1, media_type: "image/png" },
      confidential: false,
    },
  ],
};
const signatures = [signed("remarque/transaction/v1", canonical(transaction))];
const sent = await client.POST("/v1/transactions", { body: { signatures, transaction } });
assert(sent.data && "outcome" in sent.data);
assert.equal(sent.data.outcome.code, "OK");

const { data: recorded } = await client.GET("/v1/assets/{asset}", { headers, params: { path: { asset: picture } } });
assert(recorded);
const id = recorded.asset.transaction;
const read = await client.GET("/v1/transactions/{transaction}/receipt", { headers, params: { path: { transaction: id } } });
assert.equal(canonical(read.data?.transaction), canonical(transaction));
console.log(id);
