// node --import ./loopback.mjs ...   What is run after this connects to this machine and to nothing else.
import net from 'node:net'

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...given) {
  const { host, path } = Array.isArray(given[0]) ? given[0][0] : typeof given[0] === 'object' ? given[0] : { host: given[1] }
  if (path == null && !['127.0.0.1', 'localhost', '::1'].includes(host ?? 'localhost')) {
    process.nextTick(() => this.destroy(new Error(`${host} is not this machine`)))
    return this
  }
  return connect.apply(this, given)
}
