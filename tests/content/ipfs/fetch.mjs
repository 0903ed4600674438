// node fetch.mjs GATEWAY CID...   Fetches files by Helia, which looks for providers at GATEWAY and holds every block
// against its id, and prints the SHA-256 of each with its length, or why it has none.
import { createHash } from 'node:crypto'
import { createVerifiedFetch } from '@helia/verified-fetch'

const [gateway, ...cids] = process.argv.slice(2)
const verifiedFetch = await createVerifiedFetch({
  gateways: [],
  routers: [gateway],
  allowLocal: true,
  libp2pConfig: { start: false, addresses: { listen: [] } }
})
for (const cid of cids) {
  try {
    const answer = await verifiedFetch(`ipfs://${cid}`, { signal: AbortSignal.timeout(60_000) })
    const bytes = Buffer.from(await answer.arrayBuffer())
    console.log(answer.status, createHash('sha256').update(bytes).digest('hex'), bytes.length)
  } catch (error) {
    console.log('none', error.name)
  }
}
process.exit(0)
