// node daemon.mjs REPOSITORY PORT   js-ipfs with the RPC of Kubo on loopback; it has no network and looks for nothing.
import { create } from 'ipfs-core'
import { HttpApi } from 'ipfs-http-server'

const [repo, port] = process.argv.slice(2)
const config = {
  Addresses: { Swarm: [], API: `/ip4/127.0.0.1/tcp/${port}`, Gateway: '', RPC: '', Delegates: [] },
  Bootstrap: [],
  Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } },
  Routing: { Type: 'none' }
}
const init = { emptyRepo: true }
const ipfs = await create({ repo, config, init, offline: true, silent: true, preload: { enabled: false } })
await new HttpApi(ipfs).start()
console.log('ready')
