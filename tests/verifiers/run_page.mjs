// Runs the offline page's own script outside a browser: a JSON array of [receipt, genesis, [recovery…], known or null]
// in hex on standard input, an array of verdicts on standard output: true, false, or the name of an error not its own.
import { readFileSync } from "node:fs";

const page = readFileSync(process.argv[2], "utf-8");
const script = page.slice(page.indexOf("<script>") + 8, page.lastIndexOf("</script>"));
const [verify, Refused] = new Function(`${script}; return [verify, Refused];`)();
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const verdicts = [];
for (const [receipt, genesis, recoveries, known] of JSON.parse(readFileSync(0, "utf-8"))) {
  try {
    await verify(bytes(receipt), bytes(genesis), recoveries.map(bytes), known === null ? null : bytes(known));
    verdicts.push(true);
  } catch (fault) {
    verdicts.push(fault instanceof Refused ? false : `${fault.name}: ${fault.message}`);
  }
}
console.log(JSON.stringify(verdicts));
