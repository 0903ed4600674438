// node piece.mjs FILE...   Prints the piece CID of each file as @filoz/synapse-core finds it, and the one of version 1.
import { readFileSync } from 'node:fs'
import { calculate } from '@filoz/synapse-core/piece'
import { fromLink } from '@web3-storage/data-segment/piece'

for (const file of process.argv.slice(2)) {
  const piece = calculate(readFileSync(file))
  console.log(piece.toString(), fromLink(piece).toInfo().link.toString())
}
